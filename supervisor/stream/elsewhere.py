"""Destinations that are sent to another address than the configured one, where a platform does not receive them.

Only while neverdark runs: a new start of it goes back to what is configured, and so does a destination whose configured
address changes, or that cannot be sent there either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from supervisor.desired.plan import StreamSpec
from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.stream.configuration import Configuration

Place = tuple[str, str]  # a stream, and one of its destinations
_PATIENCE: Final = 60.0  # seconds for which another address may take nothing


class _Trial(NamedTuple):
    address: str
    taken_at: float  # monotonic: when the ingest was last seen to take what is sent, or the trial began


class Elsewhere:
    """Lives on the engine's loop. `look` is to be called every second."""

    def __init__(
        self,
        configuration: Configuration,
        receives: Callable[[Place], bool],
        clock: Clock,
        tell: events.Tell,
    ) -> None:
        """`receives`: the ingest acknowledges what is sent there."""
        self.revise: Callable[[StreamSpec], None] = lambda _: None  # makes a stream what it is to be now
        self._configuration = configuration
        self._receives = receives
        self._clock = clock
        self._tell = tell
        self._trials: dict[Place, _Trial] = {}

    def move(self, place: Place, address: str) -> bool:
        """Send it there, or, if it is sent elsewhere already, back to where it is configured. False: it cannot be."""
        if place in self._trials:
            return self._send(place, None)
        return self._send(place, address)

    def look(self, now: float) -> None:
        """Go back where the other address takes nothing."""
        for place, trial in list(self._trials.items()):
            if self._configuration.sent_elsewhere(place) != trial.address:  # its configuration has changed
                del self._trials[place]
            elif self._receives(place):
                self._trials[place] = trial._replace(taken_at=now)
            elif now - trial.taken_at >= _PATIENCE:
                self._send(place, None)

    def _send(self, place: Place, address: str | None) -> bool:
        spec = self._configuration.send_elsewhere(place, address)
        if spec is None:
            return False
        self._trials.pop(place, None)
        if address is not None:
            self._trials[place] = _Trial(address, self._clock.now())
        shown = next(one.shown_url for one in spec.destinations if one.name == place[1])
        # Before it is so: what follows from it is told after it.
        self._tell(events.PlatformAsked(*place, f"sent to {shown} from now on", "ok", helped=True, address=None))
        self.revise(spec)
        return True
