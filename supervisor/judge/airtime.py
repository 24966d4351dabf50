"""How long a stream was on air, and how long not and because of what. Pure; durations are seconds."""

from __future__ import annotations

from collections.abc import Mapping

from supervisor.model.terms import Segment
from supervisor.model.thresholds import SUSTAINED_SECONDS

_UNSEEN = 5.0  # accounts come every second: a longer gap is time in which we were not there


class AirTime:
    """The account of one stream. Sums never fall, and wanted is always on air plus off air."""

    def __init__(self, now: float) -> None:
        self.wanted = 0.0
        self.on_air = 0.0
        self.off_air: Mapping[Segment, float] = dict.fromkeys(Segment, 0.0)
        self.off_air_since = 0.0  # wall clock: when media stopped; 0: it flows, and has for half a minute
        self._accounted = now
        self._flows_since: float | None = None

    def account(self, now: float, *, wanted: bool, on_air: bool, segment: Segment, maintenance: bool) -> None:
        """Book the time since the last call. What is off air in maintenance counts as not wanted."""
        elapsed, self._accounted = max(0.0, now - self._accounted), now
        if not wanted or (maintenance and not on_air):
            return
        self.wanted += elapsed
        if on_air:
            self.on_air += elapsed
        else:
            blamed = Segment.NEVERDARK if elapsed > _UNSEEN else segment
            self.off_air = {**self.off_air, blamed: self.off_air[blamed] + elapsed}

    def note_darkness(self, now: float, *, on_air: bool, excused: bool, media_stopped: float) -> None:
        """Keep `off_air_since`: from when `media_stopped` (wall clock) until it has flowed for half a minute.

        `excused`: nothing has failed, it is being replaced on purpose.
        """
        if not on_air:
            self._flows_since = None
            if not excused and not self.off_air_since:
                self.off_air_since = media_stopped
            return
        if self._flows_since is None:
            self._flows_since = now
        if now - self._flows_since >= SUSTAINED_SECONDS:
            self.off_air_since = 0.0

    def nobody_wants_it(self) -> None:
        """A planned stop: darkness is as it should be."""
        self.off_air_since, self._flows_since = 0.0, None
