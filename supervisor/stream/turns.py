"""What follows when a process has taken a turn of its life: others may start now, or are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container

from supervisor.ffmpeg.opening import Traits
from supervisor.model.terms import State
from supervisor.process.claims import Claims
from supervisor.process.slot import Slot
from supervisor.process.waiting import WaitingForIngest
from supervisor.stream.streams import Streams


class Turns:
    """Implements `process.host.Owner`: what a place asks of who keeps all of them."""

    def __init__(
        self,
        streams: Streams,
        configured: Container[str],
        adapted: Callable[[str, Traits], tuple[str, ...]],
        claims: Claims,
        waiting: WaitingForIngest,
        left: Callable[[], None],
        gone: Callable[[], None],
    ) -> None:
        """`left` is called when something that is no longer configured is gone, `gone` when all of a stream is."""
        self._streams = streams
        self._configured = configured
        self._adapted = adapted
        self._claims = claims
        self._waiting = waiting
        self._left = left
        self._gone = gone

    def adapted(self, stream: str, traits: Traits) -> tuple[str, ...]:
        """The command line of a stream's encoder, made for what is known of its source."""
        return self._adapted(stream, traits)

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
