"""The second layer at work: gathers the evidence about a destination, has it judged, and carries the decision out."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from supervisor.judge import checks
from supervisor.judge.checks import Finding, ProcessEvidence, UplinkEvidence
from supervisor.judge.findings import WHILE_MEDIA_FLOWS
from supervisor.judge.incidents import Book
from supervisor.judge.ladder import Decision, Record, Situation, decide
from supervisor.judge.rate import Rate
from supervisor.lifecycle.pauses import HOPELESS
from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.snapshot import WatchdogSnapshot
from supervisor.model.terms import (
    Action,
    Cause,
    Check,
    ExitCause,
    Layer,
    RestartReason,
    Role,
    Segment,
    State,
    Trouble,
    Verdict,
)
from supervisor.probes.probes import Probes
from supervisor.probes.process import Usage
from supervisor.process.slot import Slot
from supervisor.stream.stream import Stream
from supervisor.watchdog.keeper import Keeper
from supervisor.watchdog.looks import Looks
from supervisor.watchdog.reach_watch import ReachWatch
from supervisor.watchdog.scheduler import Post, Watchdog

_TELL_AGAIN = 600.0
_NEVER_HELPS = HOPELESS | {ExitCause.INGEST_REFUSED}
_SEGMENT_OF_ROLE = {Role.ENCODER: Segment.ENCODER, Role.PUSHER: Segment.PUSHER, Role.COMMAND: Segment.ENCODER}
_BITS = 8


class _Look(NamedTuple):
    """What the system said of a process `at` some time, and the cores it has used of late."""

    at: float
    usage: Usage
    cores: float


@dataclass(slots=True)
class _File:
    """What is remembered of a post between two checks."""

    record: Record = field(default_factory=Record)
    verdict: Verdict = Verdict.UNKNOWN
    verdicts: Mapping[Check, Verdict] = field(default_factory=dict)
    counts: Mapping[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))
    last_check: float | None = None  # wall clock, as all that is shown
    last_healthy: float | None = None
    last_recovery: float | None = None
    recoveries: int = 0
    told: tuple[object, float] | None = None  # what was last told, and when (monotonic)
    looks: Mapping[Role, _Look] = field(default_factory=dict)
    media: Rate = field(default_factory=Rate)
    bytes: Rate = field(default_factory=Rate)


class _Case(NamedTuple):
    """A check in full: the way (encoder and pusher, or the command), what is known and what was found on it."""

    post: Post
    stream: Stream
    file: _File
    slots: tuple[Slot, ...]
    evidence: checks.Evidence
    findings: Mapping[Check, Finding]


class SecondLayer:
    """Judges destinations. Lives on the engine's loop."""

    def __init__(
        self,
        clock: Clock,
        probes: Probes,
        streams: Mapping[str, Stream],
        book: Book,
        keeper: Keeper,
        reaches: ReachWatch,
        tell: events.Listener,
    ) -> None:
        self.watchdog = Watchdog(clock, self.check, tell)
        self._clock = clock
        self._streams = streams
        self._book = book
        self._keeper = keeper
        self._reaches = reaches
        self._tell = tell
        self._looks = Looks(probes)
        self._files: dict[Post, _File] = {}
        self._rungs: dict[Slot, float] = {}  # when a process was last recovered, whoever's watchdog did it

    def follow(self, configured: Container[str]) -> None:
        """Look after what is enabled or wanted now: as many jobs as enabled destinations, always."""
        posts = {
            Post(name, destination): policies.watchdog.interval
            for name, stream in self._streams.items()
            if name in configured and (stream.spec.enabled or stream.wanted)
            for destination, policies in stream.posts()
            if policies.watchdog.enabled
        }
        for post in self._files.keys() - posts.keys():
            if stream := self._streams.get(post.stream):
                for slot in stream.way_to(post.destination):
                    self._book.praise(slot.key, post)  # nobody would ever take a complaint back
        known = {
            Post(name, destination)
            for name, stream in self._streams.items()
            if name in configured
            for destination, _ in stream.posts()
        }
        # The counts of a stream that is stopped for a while must not begin anew.
        self._files = {post: self._files.get(post) or _File() for post in known if post in posts or post in self._files}
        self._rungs = {slot: at for slot, at in self._rungs.items() if slot.alive or slot.status.wanted}
        self.watchdog.keep(posts)

    def view(self, post: Post) -> WatchdogSnapshot | None:
        """What is known of a destination; None when nobody looks after it."""
        file, interval = self._files.get(post), self.watchdog.interval(post)
        if file is None or interval is None:
            return None
        return WatchdogSnapshot(
            running=self.watchdog.running(post),
            verdict=file.verdict,
            verdicts=file.verdicts,
            checks=file.counts,
            consecutive_failures=file.record.unhealthy,
            last_check=file.last_check,
            last_healthy=file.last_healthy,
            last_recovery=file.last_recovery,
            recoveries=file.recoveries,
            interval=interval,
        )

    # --- a check -----------------------------------------------------------------------------------

    async def check(self, post: Post) -> None:
        """Look, judge, and act if it must be."""
        stream, file = self._streams.get(post.stream), self._files.get(post)
        if stream is None or file is None:
            return
        await self._look(stream.way_to(post.destination), file)
        slots = stream.way_to(post.destination)
        if self._files.get(post) is not file or not slots:
            return  # the configuration changed meanwhile
        now = asyncio.get_running_loop().time()
        evidence = self._evidence(stream, post, file, slots, now)
        case = _Case(post, stream, file, slots, evidence, checks.examine(evidence))
        if not stream.wanted:
            file.record = Record(last_rung=file.record.last_rung)  # a planned stop begins a new row
        culprit, cause = _culprit(case, now)
        situation = self._situation(case, culprit, cause, now)
        decision = decide(file.record, situation, stream.policies(post.destination).watchdog, now)
        self._note(case, decision, culprit, cause, situation.segment)
        if decision.action:
            self._act(case, decision, culprit, cause, situation.segment)

    async def _look(self, slots: Sequence[Slot], file: _File) -> None:
        pids = {slot.key.role: slot.child.pid for slot in slots if slot.child}
        now = asyncio.get_running_loop().time()
        usages = await self._looks.at({pid: role is Role.COMMAND for role, pid in pids.items()})
        file.looks = {
            role: _Look(now, usages[pid], _cores(usages[pid], now, file.looks.get(role))) for role, pid in pids.items()
        }

    def _evidence(
        self, stream: Stream, post: Post, file: _File, slots: tuple[Slot, ...], now: float
    ) -> checks.Evidence:
        reader, sender = slots[0], slots[-1]
        policies = stream.policies(post.destination)
        way = stream.ingest(post.destination)
        uplink = sender.uplink_to(post.destination)
        window = policies.watchdog.interval
        sent = uplink.totals.acked_bytes if uplink else sender.meter.totals(now).bytes
        rate = file.bytes.over(window, sender.run_id, now, sent) if sender.advancing(now) else None
        at = reader.meter.last_advance
        since = max(stream.wanted_since, sender.made)  # from when on it should have advanced
        moving = at is not None and reader.advancing(now)
        return checks.Evidence(
            processes=tuple(_process_evidence(slot, file.looks.get(slot.key.role)) for slot in slots),
            wanted=stream.wanted,
            tracked=sender.spec.tracked,
            silent=_silent(sender, since, now),
            reader_silent=_silent(reader, since, now),
            fed=sender.fed,
            waited=now - since,
            usual=sender.usual_silence(now),
            backlog=sender.backlog,
            av_offset=sender.intake.offset(now) if sender.intake else None,
            startup=policies.stall.startup,
            timeout=policies.stall.timeout,
            speed=file.media.over(window, reader.run_id, at, reader.meter.run_media) if moving and at else None,
            bitrate=None if rate is None else rate * _BITS,
            limits=policies.limits,
            shared=len(stream.pushers) > 1,
            uplink=UplinkEvidence(uplink.totals.connected, uplink.silent_seconds, policies.uplink.timeout)
            if uplink
            else None,
            has_ingest=way is not None,
            ingest=self._reaches.reach(way),
            has_source=reader.key.role is Role.ENCODER,
            source_delivers=reader.advancing(now),
            source=self._reaches.reach(reader.spec.source),
            source_refuses=reader.refused,
        )

    # --- a decision --------------------------------------------------------------------------------

    def _situation(self, case: _Case, culprit: Slot, cause: Cause | None, now: float) -> Situation:
        others = [name for name, _ in case.stream.posts() if name != case.post.destination]
        mine = cause in WHILE_MEDIA_FLOWS
        known = self._book.own_segment(culprit.key) or culprit.segment
        return Situation(
            verdict=checks.overall(case.findings),
            segment=_own_segment(culprit, cause) if mine else known,
            is_command=culprit.key.role is Role.COMMAND,
            line_down=culprit.line_is_down(),
            hopeless=culprit.last_cause in _NEVER_HELPS,
            refused=culprit.refused,
            first_layer_at_work=culprit.first_layer_at_work,
            media_flows=case.evidence.advances,
            others_on_air=any(case.stream.destination_on_air(name, now) for name in others),
            last_rung=self._rungs.get(culprit),
        )

    def _note(self, case: _Case, decision: Decision, culprit: Slot, cause: Cause | None, segment: Segment) -> None:
        file, wall = case.file, self._clock.wall()
        file.record, file.verdict, file.last_check = decision.record, decision.verdict, wall
        file.verdicts = {check: found.verdict for check, found in case.findings.items()}
        file.counts = {**file.counts, decision.verdict: file.counts[decision.verdict] + 1}
        case.stream.verdicts[case.post.destination] = decision.verdict
        if decision.verdict is Verdict.HEALTHY:
            file.last_healthy = wall
            for slot in case.slots:
                self._book.praise(slot.key, case.post)
            self._tell_healthy(case)
        elif decision.verdict is Verdict.UNHEALTHY:
            if self._book.own_segment(culprit.key) is None or case.evidence.advances:
                self._report(case, culprit, cause, segment)
            self._tell_unhealthy(case, decision, segment)

    def _report(self, case: _Case, culprit: Slot, cause: Cause | None, segment: Segment) -> None:
        """Open an incident that the first layer knows nothing of, or say once more that what is wrong still is."""
        if culprit.status.state is State.RUNNING and cause is not None:
            if case.evidence.advances and cause in WHILE_MEDIA_FLOWS:
                self._keeper.complained(culprit.key, cause, segment, case.post)
            else:
                self._keeper.failed(culprit.key, cause, segment, case.evidence.silent, Layer.WATCHDOG)

    def _act(self, case: _Case, decision: Decision, culprit: Slot, cause: Cause | None, segment: Segment) -> None:
        assert decision.action is not None
        now, wall = self._clock.now(), self._clock.wall()
        case.file.last_recovery, case.file.recoveries = wall, case.file.recoveries + 1
        number = decision.record.attempts
        self._tell(events.RecoveryAttempted(*case.post, number, decision.action, segment))
        self._book.act(culprit.key, Layer.WATCHDOG, decision.action, now=now, wall=wall)
        reason = RestartReason.LIMIT if cause is Trouble.LIMIT else RestartReason.WATCHDOG
        for slot in _concerned(decision.action, case):
            self._rungs[slot] = now
            slot.recover(reason)

    # --- what is told ------------------------------------------------------------------------------

    def _tell_healthy(self, case: _Case) -> None:
        reader = case.slots[0]
        look = case.file.looks.get(reader.key.role)
        if look and self._is_news(case.file, Verdict.HEALTHY):
            usage = look.usage
            self._tell(events.DestinationHealthy(*case.post, usage.pid, look.cores, usage.memory))

    def _tell_unhealthy(self, case: _Case, decision: Decision, segment: Segment) -> None:
        failures = case.stream.policies(case.post.destination).watchdog.failures
        count = failures if decision.action else min(decision.record.unhealthy, failures)
        if self._is_news(case.file, (count, decision.withheld, decision.record.attempts)):
            said = ", ".join(
                f"{check}: {found.verdict}" + (f" ({words})" if (words := checks.seen(check, case.evidence)) else "")
                for check, found in case.findings.items()
            )
            self._tell(
                events.DestinationUnhealthy(*case.post, count, failures, segment, said, decision.withheld or None)
            )

    def _is_news(self, file: _File, what: object) -> bool:
        """The same again is worth a line every ten minutes."""
        now = self._clock.now()
        if file.told and file.told[0] == what and now - file.told[1] < _TELL_AGAIN:
            return False
        file.told = what, now
        return True


def _own_segment(slot: Slot, cause: Cause | None) -> Segment:
    """Where something is wrong although media flows."""
    if cause in {Trouble.BITRATE_LOW, Trouble.BACKLOG} and slot.key.role is Role.PUSHER:
        return Segment.UPLINK
    return _SEGMENT_OF_ROLE[slot.key.role]


def _culprit(case: _Case, now: float) -> tuple[Slot, Cause | None]:
    """Whose trouble it is: the process that a finding names, else the first on the way that does not advance."""
    reader, sender = case.slots[0], case.slots[-1]
    found = checks.trouble(case.findings)
    if found and found.role:
        return (reader if reader.key.role is found.role else sender), found.cause
    return (sender if reader.advancing(now) else reader), found.cause if found else None


def _concerned(action: Action, case: _Case) -> list[Slot]:
    """Who is replaced; pushers that wait for something else are left alone."""
    reader, sender = case.slots[0], case.slots[-1]
    match action:
        case Action.RESTART_ENCODER:
            return [reader]
        case Action.RESTART_PUSHER | Action.RESTART_COMMAND:
            return [sender]
        case Action.RESTART_ALL:
            idle = {State.RUNNING, State.COOLDOWN}
            mine = [sender] if sender.status.state in idle and not _waits_for_others(sender) else []
            running = [slot for slot in case.stream.pushers if slot.status.state is State.RUNNING]
            return [*dict.fromkeys([*running, *mine, reader])]


def _waits_for_others(slot: Slot) -> bool:
    """A restart could not help it: it waits for our line, or for somebody to change something."""
    return slot.line_is_down() or slot.last_cause in _NEVER_HELPS


def _process_evidence(slot: Slot, look: _Look | None) -> ProcessEvidence:
    state, role, limits = slot.status.state, slot.key.role, slot.spec.policies.limits
    if look is None or slot.child is None or slot.child.pid != look.usage.pid:
        return ProcessEvidence(role, state, None, None, None, limits)  # it was replaced since the look
    return ProcessEvidence(role, state, look.usage.life, look.cores, look.usage.memory, limits)


def _cores(usage: Usage, now: float, before: _Look | None) -> float:
    """Cores used since the look before; over its whole life, if this is the first one at this process."""
    if before and before.usage.pid == usage.pid and now > before.at and usage.cpu_seconds >= before.usage.cpu_seconds:
        return (usage.cpu_seconds - before.usage.cpu_seconds) / (now - before.at)
    return usage.cpu_seconds / usage.age if usage.age > 0 else 0.0


def _silent(sender: Slot, since: float, now: float) -> float | None:
    """Seconds since media last advanced there; None: not since it should."""
    if not sender.spec.tracked:
        return 0.0 if sender.advancing(now) else None
    last = sender.meter.latest_advance
    return None if last is None or last < since else now - last
