"""How long a stream was on air, and how long not and because of what. Pure; durations are seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supervisor.model import availability
from supervisor.model.terms import Segment
from supervisor.model.thresholds import SUSTAINED_SECONDS

_UNSEEN = 5.0  # accounts come every second: a longer gap is time in which we were not there


class AirTime:
    """The account of one stream. Sums never fall, and wanted is always on air plus off air."""

    def __init__(self, now: float) -> None:
        self.wanted = 0.0
        self.on_air = 0.0
        self.off_air: Mapping[Segment, float] = dict.fromkeys(Segment, 0.0)
        self.on_fallback = 0.0  # of what it was on air: viewers saw a fallback
        self.excused = 0.0  # off air, and somebody had announced it: this and the next are no part of wanted
        self.not_wanted = 0.0
        self._before: Mapping[str, float] = {}  # of the sums, what an earlier neverdark has booked
        self.off_air_since = 0.0  # wall clock: when media stopped; 0: it flows, and has for half a minute
        self._accounted = now
        self._flows_since: float | None = None

    def account(
        self, now: float, *, wanted: bool, on_air: bool, segment: Segment, excused: bool, on_fallback: bool = False
    ) -> None:
        """Book the time since the last call. What is off air and was `excused` counts as not wanted.

        `on_fallback`: if it is on air, then not with its own source.
        """
        elapsed, self._accounted = max(0.0, now - self._accounted), now
        if not wanted:
            self.not_wanted += elapsed
            return
        if excused and not on_air:
            self.excused += elapsed
            return
        self.wanted += elapsed
        if on_air:
            self.on_air += elapsed
            if on_fallback:
                self.on_fallback += elapsed
        else:
            blamed = Segment.NEVERDARK if elapsed > _UNSEEN else segment
            self.off_air = {**self.off_air, blamed: self.off_air[blamed] + elapsed}

    @property
    def flows(self) -> bool:
        """Media flows, and has for so long that there is no darkness to keep: see `note_darkness`."""
        return self._flows_since is not None and not self.off_air_since

    def go_on_air(self, now: float, *, on_fallback: bool = False) -> None:
        """Book the time since the last call as on air; `account` for the most frequent case."""
        elapsed, self._accounted = now - self._accounted, now
        if elapsed > 0.0:
            self.wanted += elapsed
            self.on_air += elapsed
            if on_fallback:
                self.on_fallback += elapsed

    def go_on(self, on_air: float, off_air: Mapping[str, float]) -> None:
        """These are the sums of an earlier neverdark."""
        self.on_air = on_air
        self.off_air = {segment: off_air.get(segment, 0.0) for segment in Segment}
        self.wanted = on_air + sum(self.off_air.values())
        self._before = {availability.ON_AIR: on_air, **{str(name): before for name, before in self.off_air.items()}}

    def booked(self) -> Mapping[str, float]:
        """State (see `availability`) → seconds, of this life of neverdark alone."""
        booked: dict[Any, float] = {**self.off_air}
        booked[availability.ON_AIR] = self.on_air
        for state, before in self._before.items():
            booked[state] -= before
        booked[availability.ON_FALLBACK] = self.on_fallback
        booked[availability.EXCUSED], booked[availability.NOT_WANTED] = self.excused, self.not_wanted
        return booked

    def nobody_was_there(self, now: float, seconds: float, media: float, *, on_fallback: bool = False) -> None:
        """There was no neverdark until `now`, and for so long of it the stream was wanted.

        The processes' counts prove so much `media`, all of it of a fallback if `on_fallback`: nobody was there to
        switch. What they do not prove is unknown.
        """
        proven = min(seconds, max(0.0, media))
        self._accounted = now
        self.wanted += seconds
        self.on_air += proven
        if on_fallback:
            self.on_fallback += proven
        known = self.off_air[Segment.NEVERDARK]
        self.off_air = {**self.off_air, Segment.NEVERDARK: known + (seconds - proven)}

    def note_darkness(self, now: float, *, on_air: bool, planned: bool, media_stopped: float) -> None:
        """Keep `off_air_since`; see `dark_since`."""
        if on_air and self.flows:
            return
        self.off_air_since = self.dark_since(now, on_air=on_air, planned=planned, media_stopped=media_stopped)
        self._flows_since = (now if self._flows_since is None else self._flows_since) if on_air else None

    def dark_since(self, now: float, *, on_air: bool, planned: bool, media_stopped: float) -> float:
        """From when `media_stopped` (wall clock) until it has flowed for half a minute. Changes nothing.

        `planned`: nothing has failed, it is being replaced on purpose.
        """
        if not on_air:
            return self.off_air_since or (0.0 if planned else media_stopped)
        flows_for = 0.0 if self._flows_since is None else now - self._flows_since
        return 0.0 if flows_for >= SUSTAINED_SECONDS else self.off_air_since

    def nobody_wants_it(self) -> None:
        """A planned stop: darkness is as it should be."""
        self.off_air_since, self._flows_since = 0.0, None
