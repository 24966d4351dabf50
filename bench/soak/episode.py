"""One fault from its beginning until everything is as before: a script that is taken on ten times a second."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.soak.faults import Fault, Spots
from bench.soak.view import Incident, View, place, seconds_until
from bench.soak.world import COOLDOWN, MAX_DELAY, World
from supervisor.model.terms import Segment
from supervisor.model.thresholds import SUSTAINED_SECONDS
from tests.integration.harness.waiting import SLACK

_START = 3.0  # from a spawn to media at the ingest
_CALM = 2.0  # how long nothing may happen after what was planned
_GROWS = 5.0  # within which the ingest must have received more
_PLANNED = frozenset({"operator", "config"})


@dataclass(slots=True)
class Result:
    """What was measured and what was wrong, of one fault."""

    fault: str
    stream: str
    began: float  # seconds since the start of the soak
    expected: str | None
    first: list[str] = field(default_factory=list)  # the segments that were named at first
    named: list[str] = field(default_factory=list)  # and in the end
    causes: list[str] = field(default_factory=list)
    lasted: float | None = None  # from its cause to its end
    noticed: float | None = None  # from its cause to the incident
    back: float | None = None  # from its end until the ingest received media again
    allowed: float | None = None  # for that
    incidents: list[Any] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Episode:
    """A fault at work. `step` takes it on; it is over when that returns False."""

    def __init__(
        self, fault: Fault, world: World, rng: random.Random, view: View, began: float, latest: Callable[[], View]
    ) -> None:
        self.fault = fault
        self.spots: Spots = fault.spots
        self.result = Result(fault.name, fault.spots[0][0], round(began, 1), fault.segment)
        self.ids: set[str] = set()  # its incidents
        self.ended: float | None = None  # when it was back
        self._world = world
        self._rng = rng
        self._latest = latest
        self._known = frozenset(str(one["id"]) for one in view.incidents)
        self._before = {spot: _restarts(view, spot) for spot in self.spots}
        self._script = self._play()

    def step(self) -> bool:
        """Go on; False when it is over."""
        try:
            next(self._script)
        except StopIteration:
            self.ended = self._latest().at
            return False
        return True

    def abort(self) -> None:
        """End the fault itself, whatever state it is in."""
        self._script.close()

    # --- the script ----------------------------------------------------------------------------------

    def _play(self) -> Generator[None, None, None]:
        began = self._latest().at
        try:
            self.fault.cause(self._latest())
            yield
            yield from self._planned(began) if self.fault.segment is None else self._unplanned(began)
        finally:
            self.fault.lift()

    def _planned(self, began: float) -> Iterator[None]:
        allowed = _START + SLACK + 4 + 4  # to stop, and to stay stopped for a while
        changed = self.fault.name != "reload: another policy"
        while True:
            yield
            view = self._latest()
            self.fault.tend(view)
            replaced = {spot: _gained(self._before[spot], _restarts(view, spot)) for spot in self.spots}
            running = all(_flows(view, spot) for spot in self.spots)
            settled = running and view.streams[self.result.stream]["on_air"]
            done = all(replaced.values()) if changed and "stop" not in self.fault.name else True
            if settled and done and view.at > began + _CALM and not self._stopping():
                break
            if view.at > began + allowed:
                self._fail(f"not as it was within {allowed:g} s: {_story(view, self.spots)}")
                return
        self.result.back = round(view.at - began, 1)
        yield from self._received()
        until = self._latest().at + _CALM
        while self._latest().at < until:
            yield
        view = self._latest()
        for spot in self.spots:
            gained = _gained(self._before[spot], _restarts(view, spot))
            if not set(gained) <= _PLANNED or sum(gained.values()) > 1:
                self._fail(f"{spot} was restarted for {gained}")
        for spot in self.spots:
            if incident := view.incident(place(spot), self._known):
                self._enter([incident])
                self._fail("what was planned was called an incident")
        self.result.named = self.result.named or ["none"]

    def _stopping(self) -> bool:
        return getattr(self.fault, "_step", "started") != "started"

    def _unplanned(self, began: float) -> Iterator[None]:
        noticed = yield from self._noticed(began)
        if not noticed:
            self.result.named = ["unnoticed"]
            return
        until = self._latest().at + (self._rng.uniform(*self.fault.lasts) if self.fault.lasts else 0.0)
        limit = until + self.fault.lingers + SLACK
        while (view := self._latest()).at < until or not (self.fault.enough(view) or view.at > limit):
            self.fault.tend(view)
            yield
        if self.fault.lasts:
            self.fault.lift()
        yield
        over = self._latest().at if self.fault.lasts else began
        self.result.lasted = round(over - began, 1)
        yield from self._recovered(over)

    def _noticed(self, began: float) -> Generator[None, None, bool]:
        allowed = self.fault.notice + SLACK
        while True:
            view = self._latest()
            found = self._mine(view)
            if all(found):
                self.result.noticed = round(view.at - began, 2)
                self.result.first = [str(one["segment"]) for one in found if one]
                return True
            if view.at > began + allowed:
                self._fail(f"unnoticed for {allowed:g} s: {_story(view, self.spots)}")
                return False
            self.fault.tend(view)
            yield

    def _recovered(self, over: float) -> Iterator[None]:
        allowed = self._allowed(self._latest()) + (0.0 if self.fault.lasts else self.result.noticed or 0.0)
        while True:
            view = self._latest()
            found = [one for one in self._mine(view) if one]
            whole = view.streams[self.result.stream]["on_air"] and all(_flows(view, spot) for spot in self.spots)
            if whole and all(one["recovery_seconds"] is not None for one in found):
                break
            # A server that says no is left in peace for 10 s and more; that is how it is meant.
            for spot in self.spots:
                process = view.process(spot)
                if process["state"] == "backoff" and (process["last_failure"] or {}).get("cause") == "ingest_refused":
                    left = seconds_until(process["retry_at"]) + _START + SLACK
                    allowed = max(allowed, view.at - over + left)
            if view.at > over + allowed:
                self._fail(f"not back within {allowed:.1f} s: {_story(view, self.spots)}")
                break
            yield
        yield from self._received()
        view = self._latest()
        self.result.back, self.result.allowed = round(view.at - over, 2), round(allowed, 1)
        self._enter([one for one in self._mine(view) if one])
        if set(self.result.named) != {self.fault.segment}:
            self._fail(f"called {', '.join(self.result.named)} instead of {self.fault.segment}")
        if self.fault.causes and not set(self.result.causes) <= self.fault.causes:
            self._fail(f"its cause is said to be {', '.join(self.result.causes)}")

    def _allowed(self, view: View) -> float:
        """Seconds from the end of the fault until media flows, by what the configuration says."""
        processes = [view.process(spot) for spot in self.spots]
        wait = MAX_DELAY
        if self.fault.segment is not Segment.NETWORK:  # who waits for the line is told when it is back
            wait = max([wait, *(seconds_until(process["retry_at"]) for process in processes)])
        spent = any(process["budget_remaining"] == 0 for process in processes)
        return wait + self.fault.lingers + _START + SLACK + (COOLDOWN if spent else 0.0)

    def _received(self) -> Iterator[None]:
        """The ingest's own word, for nobody at neverdark's has a say in it."""
        senders = [spot for spot in self._world.landings if spot[0] in {own[0] for own in self.spots}]
        for spot in senders:
            before, until = self._world.bytes_in(spot), self._latest().at + _GROWS + SLACK
            while not (before >= 0 and self._world.bytes_in(spot) > before + 1000):
                if before < 0:
                    before = self._world.bytes_in(spot)
                if self._latest().at > until:
                    self._fail(f"on air, it is said, but the ingest receives nothing of {spot}")
                    break
                yield

    # --- what was found ------------------------------------------------------------------------------

    def _mine(self, view: View) -> list[Incident | None]:
        return [view.incident(place(spot), self._known) for spot in self.fault.accused]

    def _enter(self, incidents: list[Incident]) -> None:
        self.ids = {str(one["id"]) for one in incidents}
        self.result.named = [str(one["segment"]) for one in incidents]
        self.result.causes = [str(one["cause"]) for one in incidents]
        self.result.incidents = [dict(one) for one in incidents]

    def _fail(self, why: str) -> None:
        self.result.wrong.append(why)

    def look_back(self, view: View) -> bool:
        """After it is over: whether its incidents are closed, as they must be half a minute later."""
        assert self.ended is not None
        found = {str(one["id"]): one for one in view.incidents if one["id"] in self.ids}
        closed = all(one["closed"] for one in found.values()) and len(found) == len(self.ids)
        if not closed:
            if view.at > self.ended + SUSTAINED_SECONDS + SLACK + 5:
                self._fail(f"still open {view.at - self.ended:.0f} s after media flows again: {list(found.values())}")
                return True
            return False
        self.result.incidents = [dict(one) for one in found.values()]
        for one in found.values():
            if one["segment"] not in self.result.named:
                self._fail(f"the segment became {one['segment']} after media flowed again")
            if one["actions"] and one["actions"][-1]["result"] != "recovered":
                self._fail(f"the last action of a closed incident was {one['actions'][-1]['result']}")
            if not one["actions"]:
                self._fail("an incident without an action")
        return True


def _restarts(view: View, spot: tuple[str, str, str]) -> dict[str, int]:
    return dict(view.process(spot)["restarts"])


def _gained(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {reason: count - before[reason] for reason, count in after.items() if count > before[reason]}


def _flows(view: View, spot: tuple[str, str, str]) -> bool:
    process = view.process(spot)
    return bool(process["state"] == "running" and process["progress"] and process["progress"]["last_advance"])


def _story(view: View, spots: Spots) -> str:
    parts = [f"{spots[0][0]}: {view.streams[spots[0][0]]['reason'] or 'on air'}"]
    for spot in spots:
        process = view.process(spot)
        failure = process["last_failure"] or {}
        said = " / ".join(failure.get("log", [])[-3:])
        parts.append(f"{'/'.join(filter(None, spot))} {process['state']} after {failure.get('cause')} ({said})")
    return "; ".join(parts)
