"""Maintenance windows: those of the configuration and those that operators order. Pure.

Times are seconds since 1970. What the configuration says goes by the clock on the wall alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from supervisor.model.cron import MINUTE, last_time, next_time
from supervisor.model.maintenance import Maintenance
from supervisor.model.zones import instant, latest_local, zone_of

LONGEST = 30 * 86400.0  # what is forgotten silences no page for ever
_MOST_AGAIN = 500


class Planned(NamedTuple):
    """What the configuration says: either once from `since` until `until`, or for `duration` whenever `cron` comes."""

    streams: tuple[str, ...] | None
    reason: str | None
    since: float = 0.0
    until: float = 0.0
    cron: str | None = None
    duration: float = 0.0
    timezone: str = "UTC"

    def next(self, at: float) -> tuple[float, float] | None:
        """The window that is open `at` some time, else the next one; None: there is none any more."""
        if self.cron is None:
            return (self.since, self.until) if at < self.until else None
        zone = zone_of(self.timezone)
        now = latest_local(at, zone)
        for start in (last_time([self.cron], now), next_time([self.cron], now + MINUTE)):
            if start and at < (since := instant(start, zone)) + self.duration:
                return since, since + self.duration
        return None


class Turns(NamedTuple):
    """What has become of windows: these have begun, these are over."""

    begun: list[Maintenance]
    over: list[Maintenance]


class Windows:
    """All of them. `look` says what time it is; between two looks nothing begins or ends by itself."""

    def __init__(self) -> None:
        self._planned: tuple[Planned, ...] = ()
        self._from_file: dict[Planned, Maintenance] = {}  # each as it was looked up last
        self._given: dict[str, Maintenance] = {}
        self._open: dict[str, Maintenance] = {}
        self._looked = 0.0

    # --- what is said ------------------------------------------------------------------------------

    def plan(self, planned: Sequence[Planned]) -> None:
        """From now on, this is what the configuration says."""
        self._planned = tuple(dict.fromkeys(planned))
        self._from_file = {known: self._from_file[known] for known in self._planned if known in self._from_file}

    def give(
        self, streams: Iterable[str] | None, since: float, until: float, reason: str | None, *, lasting: bool
    ) -> Maintenance:
        """An operator orders one."""
        number = max((int(known[1:]) for known in self._given), default=0) + 1
        named = None if streams is None else tuple(dict.fromkeys(streams))
        window = Maintenance(f"M{number}", named, since, until, reason, "operator", lasting)
        self._given[window.id] = window
        return window

    def end(self, identity: str) -> None:
        """One that an operator has ordered is over at the next look. Raises LookupError."""
        del self._given[identity]

    def kept(self) -> tuple[Maintenance, ...]:
        """What operators have ordered, to be remembered while neverdark is away."""
        return tuple(self._given.values())

    def restore(self, windows: Iterable[Maintenance]) -> None:
        """What was remembered. One that ended meanwhile is over at the next look."""
        self._given.update({window.id: window for window in windows})

    def within(self, since: float, until: float) -> list[Maintenance]:
        """All that were open in some part of a time that is over, as far as is said now."""
        found = [window for window in self._given.values() if window.since < until and since < window.until]
        for planned in self._planned:
            at = since
            for _ in range(_MOST_AGAIN):
                spell = planned.next(at)
                if spell is None or spell[0] >= until:
                    break
                found.append(Maintenance("", planned.streams, *spell, planned.reason, "file"))
                at = spell[1]
        return found

    # --- time --------------------------------------------------------------------------------------

    def clock_was_set(self, seconds: float) -> None:
        """By so much: what lasts for so and so long ends as much later."""
        for identity, window in self._given.items():
            if window.lasting:
                self._given[identity] = window._replace(since=window.since + seconds, until=window.until + seconds)

    def look(self, at: float) -> Turns:
        """It is `at` some time. Returns what has begun and what is over since the last look."""
        self._given = {identity: window for identity, window in self._given.items() if at < window.until}
        again, self._looked = at < self._looked, at
        for place, planned in enumerate(self._planned):
            known = self._from_file.get(planned)
            if again or known is None or known.until <= at:
                self._from_file.pop(planned, None)
                if found := planned.next(at):
                    named = Maintenance(f"F{place + 1}", planned.streams, *found, planned.reason, "file")
                    self._from_file[planned] = named
        before, self._open = self._open, {}
        for window in [*self._from_file.values(), *self._given.values()]:
            # What has begun goes on, though the clock is set back.
            if window.since <= at or (window.origin == "operator" and window.id in before):
                self._open[window.id] = window
        begun = [window for identity, window in self._open.items() if identity not in before]
        return Turns(begun, [window for identity, window in before.items() if identity not in self._open])

    # --- what it shows -----------------------------------------------------------------------------

    @property
    def all(self) -> tuple[Maintenance, ...]:
        """Those that are open or still to come, in the order of time; of one that comes again, the next."""
        return tuple(sorted([*self._from_file.values(), *self._given.values()], key=lambda window: window.since))

    @property
    def any_open(self) -> bool:
        """Whether anything is under maintenance."""
        return bool(self._open)

    def given(self, identity: str) -> Maintenance | None:
        """One by its id."""
        return next((window for window in self.all if window.id == identity), None)

    def covering(self, stream: str) -> Maintenance | None:
        """The window that a stream is in; of several, the one that ends last."""
        mine = (window for window in self._open.values() if window.covers(stream))
        return max(mine, key=lambda window: window.until, default=None)
