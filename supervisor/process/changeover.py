"""What it costs until another run's media reaches the links: how long it took, and what lacks between the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supervisor.model import events
from supervisor.model.fallback import ReplacementReason, SwitchWay
from supervisor.model.terms import RestartReason

if TYPE_CHECKING:
    from supervisor.process.place import Place

REPLACEMENTS: Final = {
    RestartReason.OPERATOR: ReplacementReason.RESTART,
    RestartReason.CONFIG: ReplacementReason.RELOAD,
    RestartReason.WATCHDOG: ReplacementReason.WATCHDOG,
}


class Changeover:
    """The one that fed before has nothing to send any more, or is ended first: the media of `place` is awaited.

    Lives with the place of an encoder until its next keyframe comes, or nobody waits for it any more.
    """

    def __init__(
        self,
        place: Place,
        decided: float,
        frame_rate: float | None,
        replaces: ReplacementReason | None,
    ) -> None:
        """`decided` (monotonic) was when; `frame_rate` is that of what was seen before."""
        self._place = place
        self._decided = decided
        self._frame_rate = frame_rate
        self._replaces = replaces
        self._last_media: float | None = None
        self.look_back()

    def look_back(self) -> None:
        """Nothing of the next run has come yet: see when the last media of the one before did."""
        feeds = self._place.feeds
        quiet = feeds.quiet_for(self._place.spec.feeds) if feeds else None
        self._last_media = None if quiet is None else self._place.host.loop.time() - quiet

    def came(self, now: float, *, seen: bool) -> None:
        """A keyframe of the one that was awaited was `seen`; else it reports that some have gone before now."""
        gap = None if self._last_media is None or not seen else now - self._last_media
        tell_cost(self._place, SwitchWay.BROKEN_FIRST, self._replaces, now - self._decided, gap, self._frame_rate)


def tell_cost(
    place: Place,
    way: SwitchWay,
    replaces: ReplacementReason | None,
    seconds: float,
    gap: float | None,
    frame_rate: float | None,
) -> None:
    """Tell that the media of `place` has come, `seconds` after that was decided.

    `gap` seconds lie between the last datagram of the one before and the first of this one; None: that is not known.
    """
    missing, frames = (None, None) if gap is None else lacks(gap, frame_rate)
    key = place.key
    place.host.tell(events.SwitchMeasured(key.stream, key.rung, way, replaces, seconds, missing, frames))


def lacks(gap: float, frame_rate: float | None) -> tuple[float | None, int | None]:
    """Seconds and frames of media that lack: between two frames there is a gap anyway. None: not known."""
    if frame_rate is None:
        return None, None
    usual = 1.0 / frame_rate
    return max(0.0, gap - usual), max(0, round(gap * frame_rate) - 1)
