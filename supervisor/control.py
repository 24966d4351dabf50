"""The engine as other threads may use it: questions and orders are carried to its loop and back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from supervisor.config.watch import Outcome
from supervisor.engine import Engine
from supervisor.machine.data_dir import DataDir
from supervisor.model.availability import Availability, hour_of
from supervisor.model.destination_urls import is_asked_for
from supervisor.model.edits import Configured, Edit, Edited
from supervisor.model.events import OrderGiven
from supervisor.model.external import Announcement, ExternalSnapshot
from supervisor.model.incidents import Incident
from supervisor.model.maintenance import Maintenance, MaintenanceOrder
from supervisor.model.notifications import NEAR, Heard, Notification, Told, belongs_to, is_ours
from supervisor.model.recordings import Recorded
from supervisor.model.remembered import Page, PastIncident, Question, StoreState, since_the_start
from supervisor.model.selection import Selection
from supervisor.model.snapshot import Fault, NotAnswering, Snapshot, StreamAnswer, Verb, Wanted, WatchdogVerb
from supervisor.model.thresholds import ORDERS_SECONDS, RELOAD_SECONDS
from supervisor.model.thumbnails import Picture
from supervisor.model.until import Until
from supervisor.model.zones import local_offset

_ANSWER_SECONDS = 2.0
_PICTURE_SECONDS = 40.0  # a keyframe may be 15 away, and FFmpeg has 10
_REMEMBERED_SECONDS = 0.5  # at most: a database that is locked must not keep an operator waiting
_T = TypeVar("_T")


class Remembers(Protocol):
    """What keeps the past, as far as it is asked from here."""

    @property
    def state(self) -> StoreState:
        """How it does."""

    def flush(self, seconds: float) -> bool:
        """Wait until what is known now is written, but not for ever."""

    def incidents(self, question: Question) -> Page | None:
        """Those that are remembered; None if that cannot be read. Blocks. Raises ValueError for a wrong `after`."""

    def incident(self, identity: str) -> PastIncident | None:
        """One of them. Blocks."""

    def told(self, notifications: Iterable[Notification]) -> None:
        """Somebody was told of something. Never waits."""

    def notifications(self, since: float, until: float | None, limit: int) -> Sequence[Notification] | None:
        """Those that are remembered, the newest first; None if that cannot be read. Blocks."""

    def availability(self, since: float, until: float, stream: str | None = None) -> Availability | None:
        """How long streams were on air; None if that cannot be read. Blocks."""


class EngineControl:
    """Implements `snapshot.Control`."""

    def __init__(
        self,
        engine: Engine,
        loop: asyncio.AbstractEventLoop,
        data_dir: DataDir,
        store: Remembers | None = None,
        pulse: Callable[[], None] = lambda: None,
    ) -> None:
        """`store`: what keeps the past; None: nothing does. `pulse` hands it what is known now, on the loop."""
        self._store = store
        self._pulse = pulse
        self._told = Told()  # the loop's
        self._engine = engine
        self._loop = loop
        self._data_dir = data_dir

    def snapshot(self) -> Snapshot:
        """The state right now. Raises `NotAnswering` when the loop is stuck."""
        if not self._engine.started:
            raise NotAnswering("neverdark is starting")
        answer = asyncio.run_coroutine_threadsafe(self._engine.snapshot(), self._loop)
        try:
            snapshot = answer.result(_ANSWER_SECONDS)
        except TimeoutError:
            answer.cancel()
            raise NotAnswering(f"the engine's loop did not answer within {_ANSWER_SECONDS:g} s") from None
        return snapshot._replace(store=self._store.state) if self._store else snapshot

    def sending_to(self, url: str) -> frozenset[str]:
        """The streams with a destination that `url` names; see `snapshot.Control`."""
        known = self._ask(self._engine.targets)
        return frozenset([stream for stream, target in known if is_asked_for(url, *target)])

    def late(self) -> Mapping[str, float]:
        """The parts that should have ticked by now and did not, or that stand still again and again."""
        now = self._engine.machine.now()
        parts = {"loop": self._engine.time.lateness.late(now), "scheduler": self._engine.late(now)}
        return {part: seconds for part, seconds in parts.items() if seconds}

    def request(self, verb: Verb, stream: str, until: Until | None = None, reason: str | None = None) -> Wanted | None:
        """Hand an order to the loop; see `snapshot.Control`."""
        order = self._ask(lambda: self._engine.request(verb, stream, until, reason))
        if order:
            self._written()
        return order

    def request_all(
        self, verb: Verb, meant: Sequence[Selection], until: Until | None = None, reason: str | None = None
    ) -> tuple[StreamAnswer, ...]:
        """Hand an order to several streams to the loop; see `snapshot.Control`."""
        given = asyncio.run_coroutine_threadsafe(self._engine.request_all(verb, meant, until, reason), self._loop)
        try:
            answers = given.result(ORDERS_SECONDS)
        except TimeoutError:  # what is not done yet goes on: half of an order helps nobody
            raise NotAnswering(f"the order was not carried out within {ORDERS_SECONDS:g} s") from None
        if self._store:
            self._store.flush(_REMEMBERED_SECONDS)
        return answers

    def ordered(self, order: OrderGiven) -> None:
        """Have an order told, after what has come of it so far; see `snapshot.Control`."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: its last order
            self._loop.call_soon_threadsafe(self._engine.tell, order)

    def incidents(self, stream: str | None = None) -> tuple[Incident, ...] | None:
        """The incidents of one stream or of all, newest first; None when there is no such stream."""
        return self._ask(lambda: self._incidents(stream))

    def incident(self, identity: str) -> Incident | None:
        """One that is open or still remembered; see `snapshot.Control`."""
        known = self._ask(lambda: self._incident(identity))
        if known is None and self._store and (past := self._store.incident(identity)):
            return self._with_thumbnail(past.incident)
        return known

    async def thumbnail(self, stream: str) -> Picture | None:
        """A small picture of what a stream sends; see `snapshot.Control`."""

        async def make() -> Picture | None:
            return await self._engine.thumbnails.small(stream) if self._engine.knows(stream) else None

        if not self._engine.started:
            raise NotAnswering("neverdark is starting")
        made = asyncio.run_coroutine_threadsafe(make(), self._loop)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(made), _PICTURE_SECONDS)
        except TimeoutError:
            raise NotAnswering(f"no picture was made within {_PICTURE_SECONDS:g} s") from None

    def incident_thumbnail(self, identity: str) -> bytes | None:
        """What was seen when an incident began; see `snapshot.Control`."""
        kept = self._engine.thumbnails.kept
        if identity not in kept and (found := self.incident(identity)):
            identity = found.id
        return kept.read(identity)

    def history(self, question: Question) -> Page:
        """Incidents as far back as they are remembered; see `snapshot.Control`."""
        known = self._ask(lambda: self._incidents(None)) or ()
        store = self._store
        written = store is not None and (not store.state.queue or store.flush(_REMEMBERED_SECONDS))
        page = store.incidents(question) if store else None
        if page is None:
            return since_the_start(known, question)
        live = {incident.id: incident for incident in known}  # the database may be a moment behind
        shown = tuple(
            past._replace(incident=live.get(past.incident.id) or self._with_thumbnail(past.incident))
            for past in page.incidents
        )
        return page._replace(incidents=shown, complete=written)

    def told(self, notifications: Sequence[Notification]) -> Heard:
        """Keep who was told of what, with the incidents; see `snapshot.Control`."""
        streams, live = self._ask(lambda: (frozenset(self._engine.streams), self._engine.incidents(None) or ()))
        ours = [one for one in notifications if is_ours(one, streams)]
        found = [belongs_to(one, live) for one in ours]
        if lost := [one for one, incident in zip(ours, found, strict=True) if incident is None]:
            past = self._past(lost)
            found = [incident or belongs_to(one, past) for one, incident in zip(ours, found, strict=True)]
        kept = [one._replace(incident=incident) for one, incident in zip(ours, found, strict=True)]
        if self._store:
            self._store.told(kept)
            self._store.flush(_REMEMBERED_SECONDS)  # Alertmanager does not tell again what has been answered
        self._ask(lambda: self._told.hear(kept))
        return Heard(len(kept), len(notifications) - len(kept))

    def _past(self, told: Sequence[Notification]) -> list[Incident]:
        """Incidents of an earlier life of neverdark that these may be about."""
        if self._store is None:
            return []
        named = filter(None, map(self._store.incident, {one.incident for one in told if one.incident}))
        begun = [one.starts for one in told if one.stream]
        page = self._store.incidents(Question(since=min(begun) - NEAR, until=max(begun) + NEAR)) if begun else None
        return [past.incident for past in (*named, *(page.incidents if page else ()))]

    def notifications(self, since: float, until: float | None, limit: int) -> Sequence[Notification] | None:
        """Who was told then; see `snapshot.Control`."""
        if self._store is None:
            return None
        self._store.flush(_REMEMBERED_SECONDS)
        return self._store.notifications(since, until, limit)

    def availability(self, since: float, until: float | None, stream: str | None) -> Availability:
        """Sums of whole hours; see `snapshot.Control`."""
        now = self._engine.machine.wall()
        begin, end = hour_of(since, local_offset(now)), now if until is None else min(until, now)
        self._ask(self._pulse)
        objective_of = self._engine.loaded.config.objective_of
        written = self._store is not None and self._store.flush(_REMEMBERED_SECONDS)
        found = self._store.availability(begin, end, stream) if self._store else None
        if found is None:
            return Availability(begin, end, complete=False)
        streams = tuple(one._replace(objective=objective_of(one.stream)) for one in found.streams)
        return found._replace(streams=streams, complete=written)

    def _incidents(self, stream: str | None) -> tuple[Incident, ...] | None:
        """Those of the engine, with who was told of them. On the loop."""
        known = self._engine.incidents(stream)
        told = self._told_of_each()
        if not known:
            return known
        return tuple(
            self._with_thumbnail(one._replace(notifications=told[one.id]) if one.id in told else one) for one in known
        )

    def _incident(self, identity: str) -> Incident | None:
        found = self._engine.incident(identity)
        told = self._told_of_each() if found else {}
        return self._with_thumbnail(found._replace(notifications=told.get(found.id, ()))) if found else None

    def _with_thumbnail(self, incident: Incident) -> Incident:
        return incident._replace(thumbnail=True) if incident.id in self._engine.thumbnails.kept else incident

    def _told_of_each(self) -> Mapping[str, tuple[Notification, ...]]:
        """By the incident that it is a part of by now."""
        told: dict[str, tuple[Notification, ...]] = {}
        for identity in self._told.incidents():
            whole = self._engine.book.whole_of(identity)
            told[whole] = (*told.get(whole, ()), *self._told.of(identity))
        return told

    def switch(self, stream: str, source: str | None, seconds: float | None, reason: str | None = None) -> bool:
        """Show a source of a stream; see `snapshot.Control`."""
        known = self._ask(lambda: self._engine.switch(stream, source, seconds, reason))
        if known:
            self._written()
        return known

    def drill(self, stream: str, seconds: float, fault: Fault | None, destination: str | None) -> bool:
        """Announce a drill, and break something; see `snapshot.Control`."""
        return self._ask(lambda: self._engine.drill(stream, seconds, fault, destination))

    def order_watchdog(self, verb: WatchdogVerb, stream: str, destination: str) -> bool:
        """Stop, start or restart the watchdog of a destination; see `snapshot.Control`."""
        known = self._ask(lambda: self._engine.order_watchdog(verb, stream, destination))
        if known:
            self._written()
        return known

    def order_watchdogs(self, verb: Literal["start", "stop"]) -> None:
        """All of them; see `snapshot.Control`."""
        self._ask(lambda: self._engine.switching.order_all(running=verb == "start"))
        self._written()

    def externals(self) -> tuple[ExternalSnapshot, ...]:
        """Programs that run their own FFmpeg; see `snapshot.Control`."""
        return self._ask(self._engine.externals.snapshots)

    def program_started(self, said: Announcement) -> ExternalSnapshot:
        """One has started; see `snapshot.Control`."""
        return self._remembered(self._ask(lambda: self._engine.program_started(said)))

    def program_stopped(self, name: str) -> ExternalSnapshot | None:
        """Its planned end; see `snapshot.Control`."""
        return self._remembered(self._ask(lambda: self._engine.program_stopped(name)))

    def forget_program(self, name: str) -> bool:
        """Know no more of it; see `snapshot.Control`."""
        return self._remembered(self._ask(lambda: self._engine.externals.forget(name)))

    def _remembered(self, answer: _T) -> _T:
        """Who gets an answer may rely on it, also if we are killed now."""
        if answer and self._store:
            self._store.flush(_REMEMBERED_SECONDS)
        return answer

    def maintenance(self) -> tuple[Maintenance, ...]:
        """The windows that are open or still to come; see `snapshot.Control`."""
        return self._ask(lambda: self._engine.maintaining.windows.all)

    def order_maintenance(self, order: MaintenanceOrder) -> Maintenance:
        """A maintenance window; see `snapshot.Control`."""
        window = self._ask(lambda: self._engine.maintaining.order(order))
        self._written()
        return window

    def end_maintenance(self, identity: str) -> Maintenance | None:
        """End one; see `snapshot.Control`."""
        window = self._ask(lambda: self._engine.maintaining.end(identity))
        self._written()
        return window

    def reload(self, *, allow_removal: bool) -> Outcome:
        """Read the configuration again and wait for what comes of it; see `snapshot.Control`."""

        async def ask() -> Outcome:
            return await self._engine.reload(allow_removal=allow_removal)

        answer = asyncio.run_coroutine_threadsafe(ask(), self._loop)
        try:
            outcome = answer.result(RELOAD_SECONDS)
        except (TimeoutError, CancelledError):
            answer.cancel()
            raise NotAnswering(f"the configuration was not read within {RELOAD_SECONDS:g} s") from None
        self._written()  # new destinations have their numbers
        return outcome

    def configured(self, stream: str) -> Configured | None:
        """What is configured of a stream; see `snapshot.Control`."""
        return self._ask(lambda: self._engine.editor.configured(stream))

    def edit(self, edit: Edit, *, dry_run: bool = False) -> Edited:
        """Make, change or remove a stream or a destination; see `snapshot.Control`."""

        async def carry_out() -> Edited:
            # Not cancelled with the one who waits: what is half done is finished.
            return await asyncio.shield(asyncio.create_task(self._engine.editor.edit(edit, dry_run=dry_run)))

        if not self._engine.started:
            raise NotAnswering("neverdark is starting")
        answer = asyncio.run_coroutine_threadsafe(carry_out(), self._loop)
        try:
            return answer.result(RELOAD_SECONDS)
        except (TimeoutError, CancelledError):
            answer.cancel()
            raise NotAnswering(f"the change was not made within {RELOAD_SECONDS:g} s, but may still be") from None

    def _ask(self, question: Callable[[], _T]) -> _T:
        """The loop's answer, or its refusal. Raises `NotAnswering` when it is stuck."""
        answer: Future[_T] = Future()

        def ask() -> None:
            try:
                answer.set_result(question())
            except Exception as error:  # noqa: BLE001 - carried to whoever asked
                answer.set_exception(error)

        self._loop.call_soon_threadsafe(ask)
        try:
            return answer.result(_ANSWER_SECONDS)
        except TimeoutError:
            raise NotAnswering(f"the engine's loop did not answer within {_ANSWER_SECONDS:g} s") from None

    def _written(self) -> None:
        """Wait until what came of an order is kept: who gets an answer may rely on it, also if we are killed now."""
        if self._store:
            self._store.flush(_REMEMBERED_SECONDS)

    def recordings(self, stream: str, destination: str | None, most: int) -> tuple[Recorded, ...] | None:
        """What is there of a stream's recordings; see `snapshot.Control`."""
        readers = self._ask(lambda: self._engine.recordings(stream, destination))
        return None if readers is None else tuple(read(most) for read in readers)

    def log_directory(self, stream: str) -> Path:
        """Where the log files of a stream's processes are."""
        return self._data_dir.held("logs", stream)
