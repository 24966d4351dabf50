"""The second layer at work: has the evidence about a destination judged, and carries the decision out."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import NamedTuple

from supervisor.desired.plan import Way
from supervisor.ffmpeg.sources import SourcePlace
from supervisor.judge import checks
from supervisor.judge.checks import DestinationEvidence, Judgement
from supervisor.judge.findings import WHILE_MEDIA_FLOWS
from supervisor.judge.incidents import Book
from supervisor.judge.ladder import Decision, Record, Situation, decide
from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.content import DEFECTS
from supervisor.model.platforms import Opinion
from supervisor.model.snapshot import Conformance, WatchdogSnapshot
from supervisor.model.terms import (
    Action,
    Cause,
    Check,
    Layer,
    Reach,
    RestartReason,
    Role,
    Segment,
    State,
    Trouble,
    Verdict,
)
from supervisor.probes.probes import Probes
from supervisor.watchdog.conforming import Conforming
from supervisor.watchdog.culprits import NEVER_HELPS, concerned, culprit_of, is_others, of_covered, own_segment
from supervisor.watchdog.gathering import Probed, evidence_of
from supervisor.watchdog.interfaces import JudgedProcess, JudgedStream
from supervisor.watchdog.keeper import Keeper
from supervisor.watchdog.post_history import PostHistory
from supervisor.watchdog.scheduler import CheckScheduler, Post
from supervisor.watchdog.usage_rounds import UsageRounds


class _Examination(NamedTuple):
    """One check of one destination: its way (encoder and pusher, or the command), what is known, what that means.

    `culprit` is the process whose trouble it is, if there is any, and `cause` what is wrong with it, unless the first
    layer knows that better.
    """

    post: Post
    stream: JudgedStream
    history: PostHistory
    way: tuple[JudgedProcess, ...]
    evidence: DestinationEvidence
    judgements: Mapping[Check, Judgement]
    culprit: JudgedProcess
    cause: Cause | None


class SecondLayer:
    """Judges destinations. Lives on the engine's loop."""

    def __init__(
        self,
        clock: Clock,
        probes: Probes,
        streams: Mapping[str, JudgedStream],
        book: Book,
        keeper: Keeper,
        reach: Callable[[Way | SourcePlace | None], Reach | None],
        tell: events.Tell,
    ) -> None:
        """`reach` gives what the latest probe of an ingest or a source has found, while that is fresh."""
        self.scheduler = CheckScheduler(clock, self.check, tell)
        self._clock = clock
        self._streams = streams
        self._book = book
        self._keeper = keeper
        self._reach = reach
        self.opinions: Callable[[Post], Mapping[Check, Opinion]] = lambda _: {}  # what its platform says
        self._tell = tell
        self._usages = UsageRounds(probes)
        self._histories: dict[Post, PostHistory] = {}
        self._intervals: dict[Post, float] = {}  # of what is to be looked after, unless it is stopped
        self.stopped: dict[Post, float] = {}  # by an operator, since when (wall clock)
        self._acted: dict[JudgedProcess, float] = {}  # when a process was last recovered, whoever's check it was

    def follow(self, configured: Container[str]) -> None:
        """Look after what is enabled or wanted now: as many jobs as enabled destinations, always."""
        self._intervals = {
            Post(name, destination): policies.watchdog.interval
            for name, stream in self._streams.items()
            if name in configured and (stream.spec.enabled or stream.wanted)
            for destination, policies in stream.posts()
            if policies.watchdog.enabled
        }
        posts = {post: interval for post, interval in self._intervals.items() if post not in self.stopped}
        for post in self._histories.keys() - posts.keys():
            self._histories[post].forget_verdict()
            if stream := self._streams.get(post.stream):
                for process in stream.way_to(post.destination):
                    self._book.praise(process.key, post)  # nobody would ever take a complaint back
        known = {
            Post(name, destination)
            for name, stream in self._streams.items()
            if name in configured
            for destination, _ in stream.posts()
        }
        # The counts of a stream that is stopped for a while must not begin anew.
        self._histories = {
            post: self._histories.get(post) or PostHistory()
            for post in known
            if post in self._intervals or post in self._histories
        }
        self._acted = {
            process: at for process, at in self._acted.items() if process.child is not None or process.status.wanted
        }
        self.scheduler.keep(posts)

    def view(self, post: Post) -> WatchdogSnapshot | None:
        """What is known of a destination; None when nobody looks after it."""
        history, interval = self._histories.get(post), self._intervals.get(post)
        if history is None or interval is None:
            return None
        stopped = self.stopped.get(post)
        return history.snapshot(running=self.scheduler.running(post), interval=interval, stopped_since=stopped)

    def begin_anew(self, post: Post) -> None:
        """Count what is found at a destination from the beginning."""
        if history := self._histories.get(post):
            self._histories[post] = history.anew()

    # --- a check -----------------------------------------------------------------------------------

    async def check(self, post: Post) -> None:
        """Look, judge, and act if it must be."""
        stream, history = self._streams.get(post.stream), self._histories.get(post)
        if stream is None or history is None:
            return
        await self._sample(stream.way_to(post.destination), history)
        way = stream.way_to(post.destination)
        if self._histories.get(post) is not history or self.scheduler.interval(post) is None or not way:
            return  # the configuration changed meanwhile
        now = self._clock.now()
        if not stream.wanted:
            history.begin_new_row()
        examined = self._examine(post, stream, history, way, now)
        situation = self._situation(examined, now)
        decision = decide(history.record, situation, stream.policies(post.destination).watchdog, now)
        history.enter(decision, examined.judgements, self._clock.wall())
        self._note(examined, decision, situation.segment)
        if decision.action:
            self._act(examined, decision.action, situation.segment)
        self._look_at_covered(post, stream, history, now)

    async def _sample(self, way: tuple[JudgedProcess, ...], history: PostHistory) -> None:
        pids = {process.key.role: process.child.pid for process in way if process.child}
        now = self._clock.now()
        usages = await self._usages.at({pid: role is Role.COMMAND for role, pid in pids.items()})
        history.samples.take({role: usages[pid] for role, pid in pids.items()}, now)

    def _examine(
        self,
        post: Post,
        stream: JudgedStream,
        history: PostHistory,
        way: tuple[JudgedProcess, ...],
        now: float,
    ) -> _Examination:
        probed = Probed(self._reach(stream.ingest(post.destination)), self._reach(way[0].spec.source))
        evidence = evidence_of(stream, post.destination, way, history.samples, probed, now)
        if opinions := self.opinions(post):
            evidence = evidence._replace(platform=opinions)
        history.conformance = self._conformance(post, stream, history, way, now)
        if history.conformance:
            evidence = evidence._replace(profiled=True, conforms=history.conformance.conforms)
        judgements = checks.examine(evidence)
        culprit, cause = culprit_of(way, checks.trouble(checks.recoverable(judgements, evidence)), now)
        return _Examination(post, stream, history, way, evidence, judgements, culprit, cause)

    @staticmethod
    def _conformance(
        post: Post, stream: JudgedStream, history: PostHistory, way: tuple[JudgedProcess, ...], now: float
    ) -> Conformance | None:
        expected = next((one.profile for one in stream.spec.destinations if one.name == post.destination), None)
        if expected is None or not stream.wanted:
            history.conforming = None
            return None
        history.conforming = history.conforming or Conforming()
        interval = stream.policies(post.destination).watchdog.interval
        return history.conforming.look(expected, post.destination, way, interval, now)

    # --- a decision --------------------------------------------------------------------------------

    def _situation(self, examined: _Examination, now: float) -> Situation:
        stream, culprit, cause = examined.stream, examined.culprit, examined.cause
        others = [name for name, _ in stream.posts() if name != examined.post.destination]
        known = self._book.open.own_segment(culprit.key) or culprit.segment
        return Situation(
            verdict=checks.overall(checks.recoverable(examined.judgements, examined.evidence)),
            segment=own_segment(culprit, cause) if cause in WHILE_MEDIA_FLOWS else known,
            is_command=culprit.key.role is Role.COMMAND,
            line_down=culprit.line_is_down(),
            hopeless=culprit.last_cause in NEVER_HELPS or is_others(culprit),
            refused=culprit.refused,
            first_layer_at_work=culprit.first_layer_at_work,
            media_flows=examined.evidence.advances,
            others_on_air=any(stream.destination_on_air(name, now) for name in others),
            last_rung=self._acted.get(culprit),
        )

    def _note(self, examined: _Examination, decision: Decision, segment: Segment) -> None:
        if decision.verdict is Verdict.HEALTHY:
            for process in examined.way:
                self._book.praise(process.key, examined.post)
            self._tell_healthy(examined)
        elif decision.verdict is Verdict.UNHEALTHY:
            if self._book.open.own_segment(examined.culprit.key) is None or examined.evidence.advances:
                self._report(examined, segment)
            self._tell_unhealthy(examined, decision, segment)

    def _report(self, examined: _Examination, segment: Segment) -> None:
        """Open an incident that the first layer knows nothing of, or say once more that what is wrong still is."""
        culprit, cause = examined.culprit, examined.cause
        if cause in DEFECTS:
            return  # there is an incident of the stream's, since its picture or sound was found to be bad
        if culprit.status.state is State.RUNNING and cause is not None:
            if examined.evidence.advances and cause in WHILE_MEDIA_FLOWS:
                self._keeper.complained(culprit.key, cause, segment, examined.post)
            else:
                self._keeper.failed(culprit.key, cause, segment, examined.evidence.silent, Layer.WATCHDOG)

    def _act(self, examined: _Examination, action: Action, segment: Segment) -> None:
        self._tell(events.RecoveryAttempted(*examined.post, examined.history.record.attempts, action, segment))
        reason = RestartReason.LIMIT if examined.cause is Trouble.LIMIT else RestartReason.WATCHDOG
        culprit = examined.culprit
        self._recover(culprit, action, reason, concerned(action, examined.way, examined.stream.pushers, culprit))

    def _recover(
        self, culprit: JudgedProcess, action: Action, reason: RestartReason, processes: Sequence[JudgedProcess]
    ) -> None:
        now, wall = self._clock.now(), self._clock.wall()
        self._book.act(culprit.key, Layer.WATCHDOG, action, now=now, wall=wall)
        for process in processes:
            self._acted[process] = now
            process.recover(reason)

    def _look_at_covered(self, post: Post, stream: JudgedStream, history: PostHistory, now: float) -> None:
        """While viewers see a fallback all is well on the way to them; the stream's own encoder may have given up."""
        encoder = stream.encoder
        if encoder is None or encoder is stream.feeding or not stream.wanted:
            history.covered = Record()
            return
        segment = self._book.open.own_segment(encoder.key) or encoder.segment
        situation = Situation(
            verdict=of_covered(encoder, now),
            segment=segment,
            line_down=encoder.line_is_down(),
            hopeless=encoder.last_cause in NEVER_HELPS,
            refused=encoder.refused,
            first_layer_at_work=encoder.first_layer_at_work,
            media_flows=True,
            last_rung=self._acted.get(encoder),
        )
        decision = decide(history.covered, situation, stream.policies(post.destination).watchdog, now)
        history.covered = decision.record
        if decision.action:
            history.recovered(self._clock.wall())
            self._tell(events.RecoveryAttempted(*post, decision.record.attempts, Action.RESTART_ENCODER, segment))
            self._recover(encoder, Action.RESTART_ENCODER, RestartReason.WATCHDOG, [encoder])

    # --- what is told ------------------------------------------------------------------------------

    def _tell_healthy(self, examined: _Examination) -> None:
        sample = examined.history.samples.usages.get(examined.way[0].key.role)
        if sample and examined.history.is_news(Verdict.HEALTHY, self._clock.now()):
            usage = sample.usage
            self._tell(events.DestinationHealthy(*examined.post, usage.pid, sample.cores, usage.memory))

    def _tell_unhealthy(self, examined: _Examination, decision: Decision, segment: Segment) -> None:
        failures = examined.stream.policies(examined.post.destination).watchdog.failures
        count = failures if decision.action else min(decision.record.unhealthy, failures)
        news = (count, decision.withheld, decision.record.attempts)
        if examined.history.is_news(news, self._clock.now()):
            said = ", ".join(
                f"{check}: {judgement.verdict}"
                + (f" ({words})" if (words := checks.seen(check, examined.evidence)) else "")
                for check, judgement in examined.judgements.items()
            )
            self._tell(
                events.DestinationUnhealthy(*examined.post, count, failures, segment, said, decision.withheld or None)
            )
