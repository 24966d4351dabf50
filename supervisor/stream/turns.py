"""What follows when a process has taken a turn of its life: others may start now, or are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container

from supervisor.ffmpeg.opening import NOTHING_KNOWN, Traits
from supervisor.model.terms import ProcessKey, State
from supervisor.process.claims import Claims
from supervisor.process.slot import Slot
from supervisor.process.waiting import WaitingForIngest
from supervisor.stream.configuration import Configuration
from supervisor.stream.streams import Streams


class Turns:
    """Implements `process.host.Owner`: what a place asks of who keeps all of them."""

    def __init__(
        self,
        streams: Streams,
        configured: Container[str],
        configuration: Configuration,
        claims: Claims,
        waiting: WaitingForIngest,
        left: Callable[[], None],
        gone: Callable[[], None],
    ) -> None:
        """`left` is called when something that is no longer configured is gone, `gone` when all of a stream is."""
        self._streams = streams
        self._configured = configured
        self._configuration = configuration
        self._claims = claims
        self._waiting = waiting
        self._left = left
        self._gone = gone

    def adapted(self, key: ProcessKey, traits: Traits) -> tuple[str, ...]:
        """The command line of an encoder, made for what is known of its source."""
        if not key.rung:
            return self._configuration.adapted(key.stream, traits)
        stream = self._streams.get(key.stream)
        own = stream.encoder.source if stream and stream.encoder else None
        return self._configuration.adapted_rung(key.stream, key.rung, own.learned if own else NOTHING_KNOWN, traits)

    def turned(self, slot: Slot) -> None:
        """Called in the middle of a turn, so everything but notes comes right after it."""
        self._waiting.follow(slot)
        stream = self._streams.get(slot.key.stream)
        if stream and stream.ladder and slot.feeds:
            asyncio.get_running_loop().call_soon(stream.ladder.look)
        if slot.status.state is State.STOPPED or (stream and stream.unsettled):
            asyncio.get_running_loop().call_soon(self._follow_up, slot)
        if self._claims.held and not slot.alive:
            asyncio.get_running_loop().call_soon(self._claims.release)

    def _follow_up(self, slot: Slot) -> None:
        stream = self._streams.get(slot.key.stream)
        if stream is None:
            return
        removed, gone = stream.settle(), stream.gone
        if removed or (gone and slot.key.stream not in self._configured):
            self._left()
        if gone:
            self._gone()
