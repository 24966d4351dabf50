"""Streams as the outside may see them. A reader: nothing is acted on, told or changed here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from supervisor.desired.catalogue import Catalogue
from supervisor.desired.excuses import MAINTENANCE, Excuses
from supervisor.desired.plan import DestinationSpec
from supervisor.judge.all_open import NOTHING_OPEN
from supervisor.judge.incidents import Book
from supervisor.judge.on_air import health
from supervisor.machine.machine import Clock
from supervisor.model.content import ContentState
from supervisor.model.fallback import source_name
from supervisor.model.maintenance import Maintenance
from supervisor.model.snapshot import (
    DestinationSnapshot,
    LinkState,
    SourceSnapshot,
    StreamSnapshot,
    UplinkTotals,
    Wanted,
    WatchdogSnapshot,
)
from supervisor.model.terms import Role, Segment
from supervisor.process.slot import Slot
from supervisor.stream.stream import Stream
from supervisor.stream.streams import Streams

KnownOf = Callable[[str, str], tuple[WatchdogSnapshot | None, int | None]]  # by stream and destination
_SLICE = 50  # streams at a time: an exit must not wait for all


class SnapshotReader:
    """The reader of streams."""

    def __init__(
        self,
        streams: Streams,
        catalogue: Catalogue,
        wishes: Callable[[str], tuple[Wanted, Maintenance | None]],
        excuses: Excuses,
        book: Book,
        clock: Clock,
        known_of: KnownOf,
    ) -> None:
        """`wishes` tells of a stream whose word it is that it runs or not, and which maintenance it is in.

        `known_of` tells of a destination what its watchdog says, and its number.
        """
        self._streams = streams
        self._catalogue = catalogue
        self._wishes = wishes
        self._excuses = excuses
        self._book = book
        self._clock = clock
        self._known_of = known_of

    async def all(self) -> tuple[StreamSnapshot, ...]:
        """Every stream that is configured, as it is now."""
        shown: list[StreamSnapshot] = []
        open_segments = self._book.open.segments()
        for name in tuple(self._catalogue):
            stream = self._streams.get(name)
            if stream and name in self._catalogue:  # it may have been removed since
                shown.append(self.of(stream, open_segments.get(name, NOTHING_OPEN)))
                if len(shown) % _SLICE == 0:
                    await asyncio.sleep(0)
        return tuple(shown)

    def of(self, stream: Stream, open_segments: Mapping[Segment, int]) -> StreamSnapshot:
        """One stream right now.

        The seconds that are summed up are those of the latest account, a second ago at most: what comes after it is
        booked by the next one, and only that one knows as what. So no sum is ever taken back.
        """
        name, now, wall = stream.spec.name, self._clock.now(), self._clock.wall()
        sums = self._book.tally.of(name)
        judged = stream.judge(now)
        known = {post: self._known_of(name, post) for post, _ in stream.posts()}
        verdicts = [watchdog.verdict for watchdog, _ in known.values() if watchdog]
        content = _content(stream, now)
        verdicts += [content.verdict] if content else []
        destinations = tuple(
            _destination(stream, destination, now, *known[destination.name]) for destination in stream.spec.destinations
        )
        wanted, window = self._wishes(name)
        tracks = stream.encoder.source.tracks if stream.encoder and stream.encoder.source else None
        return StreamSnapshot(
            name=name,
            wanted=stream.wanted,
            desired=wanted,
            on_air=judged.on_air,
            verified=bool(stream.spec.destinations) or any(process.tracked for process in stream.spec.processes),
            reason=judged.reason,
            note=_note(stream),
            health=health(judged, every_destination=all(one.on_air for one in destinations), verdicts=verdicts),
            since=stream.air.since_at(judged, wall),
            origin=self._catalogue[name].origin,
            is_command=stream.spec.is_command,
            processes=tuple(slot.snapshot(now, wall) for slot in _along_the_path(stream)),
            destinations=destinations,
            wanted_seconds=stream.air.time.wanted,
            on_air_seconds=stream.air.time.on_air,
            off_air_seconds=stream.air.time.off_air,
            maintenance=self._excuses.covers(stream.subject, MAINTENANCE, now),
            maintenance_window=window,
            drills=stream.spec.drills,
            off_air_since=stream.air.dark_since_at(judged, now, wall),
            incident_open=open_segments,
            incidents=sums.incidents,
            recovery_attempts=sums.attempts,
            recovery_results=sums.results,
            last_detection=sums.last_detection,
            last_recovery=sums.last_recovery,
            group=stream.spec.group,
            labels=dict(stream.spec.labels),
            sources=_sources(stream, now),
            switches=dict(stream.ladder.switches) if stream.ladder else {},
            ordered_source=stream.ladder.order_in_force if stream.ladder else None,
            fallback=stream.ladder.waits if stream.ladder else None,
            on_fallback_seconds=stream.air.time.on_fallback,
            unordered_fallback=stream.ladder.unordered_for if stream.ladder else 0.0,
            fallback_page_after=stream.ladder.page_after if stream.ladder else 0.0,
            track=tracks.current if tracks and stream.wanted else None,
            tracks=tracks.counts if tracks else {},
            content=content,
        )


def _along_the_path(stream: Stream) -> list[Slot]:
    """Who encodes comes before who sends, as the media does."""
    return sorted(stream.slots.values(), key=lambda slot: slot.key.role is Role.PUSHER)


def _note(stream: Stream) -> str | None:
    encoder = stream.encoder
    of_source = encoder.source.note if stream.wanted and encoder and encoder.source else None
    waiting = [f"{slot.key.destination} waits for a viewer" for slot in stream.pushers if slot.waits_for_viewer]
    return "; ".join(filter(None, (of_source, *waiting))) or None


def _sources(stream: Stream, now: float) -> tuple[SourceSnapshot, ...]:
    """As of the latest account, like all seconds."""
    if (ladder := stream.ladder) is None:
        return ()
    states = [slot.content.state(now) if slot.content else None for slot in ladder.rungs]
    return tuple(
        SourceSnapshot(
            stream.spec.name,
            source_name(number),
            number == ladder.feeding,
            slot.spec.slate,
            ladder.seconds[number],
            content.verdict if content else None,
        )
        for number, (slot, content) in enumerate(zip(ladder.rungs, states, strict=True))
    )


def _content(stream: Stream, now: float) -> ContentState | None:
    encoder = stream.encoder
    return encoder.content.state(now) if encoder and encoder.content else None


def _destination(
    stream: Stream, destination: DestinationSpec, now: float, watchdog: WatchdogSnapshot | None, number: int | None
) -> DestinationSnapshot:
    sender = stream.sender(destination.name)
    return DestinationSnapshot(
        name=destination.name,
        shown_url=destination.shown_url,
        required=destination.required and destination.name not in stream.spec.pair,
        on_air=stream.destination_on_air(destination.name, now),
        expected_bytes_per_second=destination.expected_bytes_per_second,
        limit_bytes_per_second=(destination.policies.limits.bitrate or 0) / 8,
        uplink=_uplink(sender, destination.name),
        dropped_datagrams=sender.intake.drops if sender and sender.intake else None,
        link=_link(sender, now),
        watchdog=watchdog,
        stream=stream.spec.name,
        id=number,
        watching=destination.policies.watchdog,
        conformance=watchdog.conformance if watchdog else None,
        role=destination.role,
    )


def _uplink(sender: Slot | None, destination: str) -> UplinkTotals | None:
    meter = sender.uplink_to(destination) if sender else None
    return meter.totals if meter else None


def _link(sender: Slot | None, now: float) -> LinkState | None:
    if sender is None or sender.intake is None:
        return None
    limit = sender.spec.policies.limits.backlog
    return LinkState(sender.backlog, limit, sender.intake.offset(now), sender.intake.overruns)
