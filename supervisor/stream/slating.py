"""Slates are made before they are needed: as soon as it is known what a stream's picture is."""

from __future__ import annotations

import asyncio
from functools import partial

from supervisor.ffmpeg.opening import NOTHING_KNOWN, Traits
from supervisor.machine.machine import Machine
from supervisor.machine.slates import NoSlate
from supervisor.model import events
from supervisor.stream.configuration import Configuration
from supervisor.stream.last_frames import LastFrames
from supervisor.stream.stream import Stream
from supervisor.stream.streams import Streams

_EVERY = 2.0
_AGAIN = 300.0  # after one that could not be made: until then it would be drawn while it is sent


class Slating:
    """Lives on the engine's loop; what takes long is done in a thread, one at a time."""

    def __init__(
        self, streams: Streams, configuration: Configuration, machine: Machine, tell: events.Tell, frames: LastFrames
    ) -> None:
        self._frames = frames
        self._streams = streams
        self._configuration = configuration
        self._machine = machine
        self._tell = tell
        # By stream: what was known of its picture when its slate was made, and which frame it shows.
        self._made: dict[str, tuple[Traits, int]] = {}
        self._not_before: dict[str, float] = {}

    async def run_forever(self) -> None:
        """Look for streams whose slate is still to be made."""
        while True:
            await asyncio.sleep(_EVERY)
            for name in [name for name, stream in self._streams.items() if stream.ladder]:
                stream = self._streams.get(name)
                if stream and stream.ladder and self._machine.now() >= self._not_before.get(name, 0.0):
                    await self._look(name, stream)

    async def _look(self, name: str, stream: Stream) -> None:
        slot = next((slot for slot in stream.slots.values() if slot.spec.slate), None)
        own = stream.encoder.source if stream.encoder else None
        traits = own.learned if own else NOTHING_KNOWN
        made_of = traits, self._frames.version(name)
        if slot is None or (slot.ready_argv and self._made.get(name) == made_of):
            return  # as nearly always: what else it is made of is in the command line that it replaces
        still = self._configuration.slate(name, traits)
        if still is None:
            return
        if traits.picture and (not slot.ready_argv or self._made.get(name, made_of)[0] != traits):
            # Until it is made it is drawn, in the size that it has to have: another one would be a new connection.
            slot.ready_argv = self._configuration.slate_argv(name, still, None)
        make = partial(self._configuration.slates.make, still, self._frames.path(name))
        try:
            path = await self._machine.in_a_thread(make)
        except NoSlate as error:
            self._not_before[name] = self._machine.now() + _AGAIN
            self._tell(events.SlateTrouble(name, str(error)))
            return
        if self._streams.get(name) is stream and stream.slots.get(slot.key) is slot:
            self._made[name] = made_of
            slot.ready_argv = self._configuration.slate_argv(name, still, path)
