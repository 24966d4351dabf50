"""Links that go over to another encoder, whose keyframes come every few seconds; and slates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from supervisor.ffmpeg.slate import Still
from supervisor.machine.handover import Handover, SideSocket
from supervisor.machine.media_links import MediaLink
from supervisor.machine.slates import Slates
from tests.simulation.processes import KEYFRAMES, Encoder

if TYPE_CHECKING:
    from tests.simulation.world import World


class SimulatedSlates(Slates):
    """Made in no time: what is shown is nobody's business here."""

    def __init__(self) -> None:
        self.font = None

    def find(self, still: Still, frame: Path | None = None) -> Path | None:
        del still, frame
        return Path("/slates/made.mkv")

    def make(self, still: Still, frame: Path | None = None, *, seconds: float = 0.0) -> Path:
        del still, frame, seconds
        return Path("/slates/made.mkv")

    def tidy(self) -> None: ...


class _Side(SideSocket):
    """Has something to read whenever a keyframe of the next encoder comes."""

    def __init__(self, world: World, link: MediaLink, sender: int) -> None:
        self.link, self.came = link, False
        self.fd = world.wires.number()
        self._sender = sender
        self._world = world
        self._here = False
        self._timer = world.loop.call_later(KEYFRAMES / 4, self._keyframe)

    def _keyframe(self) -> None:
        self._timer = self._world.loop.call_later(KEYFRAMES / 4, self._keyframe)
        if any(self._sender in one.sends.values() and one.reading for one in self._encoders()):
            self._world.loop.mark(self.fd, readable=True)
            self._here = True

    def _encoders(self) -> list[Encoder]:
        return [one for one in self._world.table.of("") if isinstance(one, Encoder)]

    def read(self, *, keep: bool) -> None:
        del keep
        self.came = self.came or self._here
        self._world.loop.mark(self.fd, readable=False)

    @property
    def has_keyframe(self) -> bool:
        return self._here

    def hand_over(self) -> None:
        self.link.send_from(self._sender)

    def close(self) -> None:
        self._timer.cancel()
        self._world.loop.mark(self.fd, readable=False)


class SimulatedHandover(Handover):
    """See `machine.handover`."""

    def __init__(self, world: World, links: Mapping[MediaLink, int]) -> None:
        self.sides: list[SideSocket] = [_Side(world, link, sender) for link, sender in links.items()]
