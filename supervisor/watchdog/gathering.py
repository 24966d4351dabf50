"""Gathers what is known of the way to one destination, for the checks to judge. Acts on nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from supervisor.judge.checks import DestinationEvidence, ProcessEvidence, UplinkEvidence
from supervisor.judge.rate import Rate
from supervisor.judge.uplink import UplinkMeter
from supervisor.model.terms import Reach, Role, State
from supervisor.probes.process import Usage
from supervisor.watchdog.interfaces import JudgedProcess, JudgedStream

_BITS = 8


class UsageSample(NamedTuple):
    """What the system said of a process `at` some time (monotonic), and the cores that it has used of late."""

    at: float
    usage: Usage
    cores: float


@dataclass(slots=True)
class Samples:
    """What was measured on the way to one destination, as far as the next check needs it."""

    usages: Mapping[Role, UsageSample] = field(default_factory=dict)
    media: Rate = field(default_factory=Rate)
    bytes: Rate = field(default_factory=Rate)

    def take(self, usages: Mapping[Role, Usage], now: float) -> None:
        """Take in what the system says of the processes on the way."""
        self.usages = {
            role: UsageSample(now, usage, _cores(usage, now, self.usages.get(role))) for role, usage in usages.items()
        }


class Probed(NamedTuple):
    """What the latest probes found at both ends of the way; None: nobody has looked of late."""

    ingest: Reach | None = None
    source: Reach | None = None


def evidence_of(
    stream: JudgedStream,
    destination: str,
    way: Sequence[JudgedProcess],
    samples: Samples,
    probed: Probed,
    now: float,
) -> DestinationEvidence:
    """What is known of a destination now. `way` has its processes, from who reads to who sends; `now` is monotonic."""
    reader, sender = way[0], way[-1]
    policies = stream.policies(destination)
    uplink = sender.uplink_to(destination)
    since = max(stream.wanted_since, sender.made)  # from when on media should have come
    return DestinationEvidence(
        processes=tuple(_process_evidence(process, samples.usages.get(process.key.role)) for process in way),
        wanted=stream.wanted,
        tracked=sender.spec.tracked,
        silent=_silent(sender, since, now),
        reader_silent=_silent(reader, since, now),
        fed=sender.fed,
        waited=now - since,
        usual=sender.usual_silence(now),
        backlog=sender.backlog,
        encodes_late=sender.encodes_late,
        av_offset=sender.intake.offset(now) if sender.intake else None,
        startup=policies.stall.startup,
        timeout=policies.stall.timeout,
        speed=_speed(samples.media, reader, policies.watchdog.interval, now),
        bitrate=_bitrate(samples.bytes, sender, uplink, policies.watchdog.interval, now),
        limits=policies.limits,
        shared=len(stream.pushers) > 1,
        uplink=UplinkEvidence(uplink.connected, uplink.silent_seconds, policies.uplink.timeout) if uplink else None,
        has_ingest=stream.ingest(destination) is not None,
        ingest=probed.ingest,
        has_source=reader.key.role is Role.ENCODER,
        source_delivers=reader.advancing(now),
        source=probed.source,
        source_refuses=reader.refused,
        content=reader.content.evidence(now) if reader.content else None,
    )


def _speed(rate: Rate, reader: JudgedProcess, window: float, now: float) -> float | None:
    """Media seconds a second."""
    at = reader.meter.last_advance
    if at is None or not reader.advancing(now):
        return None
    return rate.over(window, reader.run_id, at, reader.meter.run_media)


def _bitrate(rate: Rate, sender: JudgedProcess, uplink: UplinkMeter | None, window: float, now: float) -> float | None:
    """Bits a second: those that the ingest has acknowledged, or, where nothing tells, those that were written."""
    if not sender.advancing(now):
        return None
    sent = uplink.totals.acked_bytes if uplink else sender.meter.totals(now).bytes
    grown = rate.over(window, sender.run_id, now, sent)
    return None if grown is None else grown * _BITS


def _process_evidence(process: JudgedProcess, sample: UsageSample | None) -> ProcessEvidence:
    role, limits = process.key.role, process.spec.policies.limits
    state = State.RUNNING if process.waits_for_viewer else process.status.state
    if sample is None or process.child is None or process.child.pid != sample.usage.pid:
        return ProcessEvidence(role, state, None, None, None, limits)  # it was replaced since the sample
    return ProcessEvidence(role, state, sample.usage.life, sample.cores, sample.usage.memory, limits)


def _cores(usage: Usage, now: float, before: UsageSample | None) -> float:
    """Cores used since the sample before; over its whole life, if this is the first one of this process."""
    if before and before.usage.pid == usage.pid and now > before.at and usage.cpu_seconds >= before.usage.cpu_seconds:
        return (usage.cpu_seconds - before.usage.cpu_seconds) / (now - before.at)
    return usage.cpu_seconds / usage.age if usage.age > 0 else 0.0


def _silent(process: JudgedProcess, since: float, now: float) -> float | None:
    """Seconds since media last advanced there; None: not since it should."""
    if not process.spec.tracked or process.waits_for_viewer:
        return 0.0 if process.advancing(now) else None
    last = process.meter.latest_advance
    return None if last is None or last < since else now - last
