"""The second layer at work: has the evidence about a destination judged, and carries the decision out."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import NamedTuple

from supervisor.desired.plan import Way
from supervisor.ffmpeg.sources import SourcePlace
from supervisor.judge import checks
from supervisor.judge.checks import DestinationEvidence, Judgement
from supervisor.judge.findings import WHILE_MEDIA_FLOWS
from supervisor.judge.incidents import Book
from supervisor.judge.ladder import Decision, Situation, decide
from supervisor.lifecycle.pauses import HOPELESS
from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.content import DEFECTS
from supervisor.model.platforms import Opinion
from supervisor.model.snapshot import Conformance, WatchdogSnapshot
from supervisor.model.terms import (
    Action,
    Cause,
    Check,
    ExitCause,
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
from supervisor.watchdog.gathering import Probed, evidence_of
from supervisor.watchdog.interfaces import JudgedProcess, JudgedStream
from supervisor.watchdog.keeper import Keeper
from supervisor.watchdog.post_history import PostHistory
from supervisor.watchdog.scheduler import CheckScheduler, Post
from supervisor.watchdog.usage_rounds import UsageRounds

_NEVER_HELPS = HOPELESS | {ExitCause.INGEST_REFUSED}
_SEGMENT_OF_ROLE = {Role.ENCODER: Segment.ENCODER, Role.PUSHER: Segment.PUSHER, Role.COMMAND: Segment.ENCODER}


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
        culprit, cause = _culprit(way, checks.trouble(checks.recoverable(judgements, evidence)), now)
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
            segment=_own_segment(culprit, cause) if cause in WHILE_MEDIA_FLOWS else known,
            is_command=culprit.key.role is Role.COMMAND,
            line_down=culprit.line_is_down(),
            hopeless=culprit.last_cause in _NEVER_HELPS or _is_others(culprit),
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
        now, wall = self._clock.now(), self._clock.wall()
        number = examined.history.record.attempts
        self._tell(events.RecoveryAttempted(*examined.post, number, action, segment))
        self._book.act(examined.culprit.key, Layer.WATCHDOG, action, now=now, wall=wall)
        reason = RestartReason.LIMIT if examined.cause is Trouble.LIMIT else RestartReason.WATCHDOG
        for process in _concerned(action, examined):
            self._acted[process] = now
            process.recover(reason)

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


def _own_segment(process: JudgedProcess, cause: Cause | None) -> Segment:
    """Where something is wrong although media flows."""
    if cause in {Trouble.BITRATE_LOW, Trouble.BACKLOG} and process.key.role is Role.PUSHER:
        return Segment.UPLINK
    return _SEGMENT_OF_ROLE[process.key.role]


def _culprit(
    way: tuple[JudgedProcess, ...], trouble: Judgement | None, now: float
) -> tuple[JudgedProcess, Cause | None]:
    """Whose trouble it is: the process that a judgement names, else the first on the way that does not advance."""
    reader, sender = way[0], way[-1]
    if trouble and trouble.role:
        return (reader if reader.key.role is trouble.role else sender), trouble.cause
    return (sender if reader.advancing(now) else reader), trouble.cause if trouble else None


def _concerned(action: Action, examined: _Examination) -> list[JudgedProcess]:
    """Who is replaced, besides the culprit nobody at whom the first layer is at work: two layers must never be."""
    reader, sender = examined.way[0], examined.way[-1]
    match action:
        case Action.RESTART_ENCODER:
            meant = [reader]
        case Action.RESTART_PUSHER | Action.RESTART_COMMAND:
            meant = [sender]
        case Action.RESTART_ALL:
            running = [pusher for pusher in examined.stream.pushers if pusher.status.state is State.RUNNING]
            mine = [] if _waits_for_others(sender) else [sender]
            meant = [*dict.fromkeys([*running, *mine, reader])]
    return [process for process in meant if process is examined.culprit or not process.first_layer_at_work]


def _is_others(process: JudgedProcess) -> bool:
    """Only its owner can do anything about it, and has not said how neverdark could."""
    return process.spec.external is not None and process.spec.external.recovery is None


def _waits_for_others(process: JudgedProcess) -> bool:
    """A restart could not help it: it waits for our line, or for somebody to change something."""
    return process.line_is_down() or process.last_cause in _NEVER_HELPS
