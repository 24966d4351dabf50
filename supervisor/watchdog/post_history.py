"""What the second layer remembers of one destination from check to check. Times: `wall` as shown, `now` monotonic."""

from __future__ import annotations

from collections.abc import Mapping

from supervisor.judge.checks import Judgement
from supervisor.judge.ladder import Decision, Record
from supervisor.model.snapshot import Conformance, WatchdogSnapshot
from supervisor.model.terms import Check, Verdict
from supervisor.model.thresholds import TELL_AGAIN_SECONDS
from supervisor.watchdog.conforming import Conforming
from supervisor.watchdog.gathering import Samples


class PostHistory:
    """Verdicts, recoveries and what was told of them."""

    def __init__(self) -> None:
        self.record = Record()
        self.covered = Record()  # of the stream's own encoder, while viewers see a fallback
        self.samples = Samples()
        self.conforming: Conforming | None = None  # where something is expected of what is sent
        self.conformance: Conformance | None = None  # as of the latest check
        self._verdict = Verdict.UNKNOWN
        self._verdicts: Mapping[Check, Verdict] = {}
        self._counts: Mapping[Verdict, int] = dict.fromkeys(Verdict, 0)
        self._last_check: float | None = None
        self._last_healthy: float | None = None
        self._last_recovery: float | None = None
        self._recoveries = 0
        self._told: tuple[object, float] | None = None  # what was last told, and when

    def begin_new_row(self) -> None:
        """Nobody wants it to run: bad verdicts from before must not count together with those that come after."""
        self.record, self.covered = Record(last_rung=self.record.last_rung), Record()

    def anew(self) -> PostHistory:
        """One that has just begun; but what is counted as long as neverdark runs goes on."""
        fresh = PostHistory()
        fresh._counts = self._counts
        return fresh

    def forget_verdict(self) -> None:
        """Nobody looks after it any more: what was found is not known to be so still. Counts stay."""
        self.begin_new_row()
        self._verdict, self._verdicts, self._told = Verdict.UNKNOWN, {}, None
        self.conformance = None

    def enter(self, decision: Decision, judgements: Mapping[Check, Judgement], wall: float) -> None:
        """A check was made."""
        self.record, self._verdict, self._last_check = decision.record, decision.verdict, wall
        self._verdicts = {check: judgement.verdict for check, judgement in judgements.items()}
        self._counts = {**self._counts, decision.verdict: self._counts[decision.verdict] + 1}
        if decision.verdict is Verdict.HEALTHY:
            self._last_healthy = wall
        if decision.action:
            self.recovered(wall)

    def recovered(self, wall: float) -> None:
        """Something was done."""
        self._last_recovery, self._recoveries = wall, self._recoveries + 1

    def is_news(self, what: object, now: float) -> bool:
        """Whether to tell this; the same again is worth a line every ten minutes."""
        if self._told and self._told[0] == what and now - self._told[1] < TELL_AGAIN_SECONDS:
            return False
        self._told = what, now
        return True

    def snapshot(self, *, running: bool, interval: float, stopped_since: float | None) -> WatchdogSnapshot:
        """What is shown of it; it is judged every `interval` seconds, and `running` says that it really is."""
        return WatchdogSnapshot(
            running=running,
            verdict=self._verdict,
            verdicts=self._verdicts,
            checks=self._counts,
            consecutive_failures=self.record.unhealthy,
            last_check=self._last_check,
            last_healthy=self._last_healthy,
            last_recovery=self._last_recovery,
            recoveries=self._recoveries,
            interval=interval,
            stopped_since=stopped_since,
            conformance=self.conformance,
        )
