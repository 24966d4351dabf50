"""Links that go over to another encoder, whose keyframes come every few seconds; and slates."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from supervisor.ffmpeg.slate import Still
from supervisor.machine.handover import Handover, SideSocket
from supervisor.machine.media_links import MediaLink
from supervisor.machine.slates import Slates
from tests.simulation.processes import KEYFRAMES, SLATE_FILE
from tests.simulation.senders import Pusher

if TYPE_CHECKING:
    from tests.simulation.world import World


class SimulatedSlates(Slates):
    """Made in no time: what is shown is nobody's business here."""

    def __init__(self) -> None:
        self.font = None

    def find(self, still: Still, frame: Path | None = None) -> Path | None:
        del still, frame
        return Path(SLATE_FILE)

    def make(self, still: Still, frame: Path | None = None, *, seconds: float = 0.0) -> Path:
        del still, frame, seconds
        return Path(SLATE_FILE)

    def tidy(self) -> None: ...


class _Side(SideSocket):
    """Has something to read whenever the next encoder sends, and a keyframe of it when there are any."""

    def __init__(self, world: World, link: MediaLink, sender: int) -> None:
        self.link, self.came = link, False
        self.fd = world.wires.number()
        self._sender = sender
        self._world = world
        self._here = self._keyframe_here = False
        self._timer = world.loop.call_later(KEYFRAMES / 4, self._keyframe)

    def _keyframe(self) -> None:
        self._timer = self._world.loop.call_later(KEYFRAMES / 4, self._keyframe)
        encoder = self._world.table.sends_from(self.link.port, self._sender)
        if encoder and encoder.reading:
            self._world.loop.mark(self.fd, readable=True)
            self._here = True
            self._keyframe_here = not self._world.stubborn["no_keyframe", encoder.key.stream]

    def read(self, *, keep: bool) -> None:
        del keep
        self.came = self.came or self._here
        self._world.loop.mark(self.fd, readable=False)

    @property
    def has_keyframe(self) -> bool:
        return self._keyframe_here

    def hand_over(self) -> None:
        self.link.send_from(self._sender)

    def close(self) -> None:
        self._timer.cancel()
        self._world.loop.mark(self.fd, readable=False)


class SimulatedHandover(Handover):
    """See `machine.handover`."""

    def __init__(self, world: World, links: Mapping[MediaLink, int]) -> None:
        pushers = (one for one in world.table.of("") if isinstance(one, Pusher) and one.link in links)
        if any(world.stubborn["link_distant", one.key.stream] for one in pushers):
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        self.sides: list[SideSocket] = [_Side(world, link, sender) for link, sender in links.items()]
