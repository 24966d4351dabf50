"""The moment at which the pushers' media begins to come from another run of an encoder; nothing of it is lost."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from supervisor.machine.media_links import MediaLink
    from supervisor.machine.process import Child
    from supervisor.process.host import Host

_PROVEN = 1.0  # seconds for which a run must have sent before it is trusted
_LOOK_AGAIN = 0.0005
_MOST_LOOKS = 400  # for a signal to take effect


class Crossing:
    """Waits until a run has sent for a while and its next keyframe comes, and lets the links go over to it then.

    Lives on the engine's loop, from its making until it has told how it ended, or was given up.
    """

    def __init__(
        self, host: Host, links: Mapping[MediaLink, int], within: float, done: Callable[[float | None], None]
    ) -> None:
        """`links`, with the ports that the run sends from, or will. `within` seconds it must have happened.

        `done` is called once: with the seconds for which the run stood still, or with None: the time is over, and
        nothing has changed. Raises OSError where a link cannot go over.
        """
        self.child: Child | None = None  # whose run it is, as soon as there is one
        self.decided = host.loop.time()
        self._host = host
        self._done = done
        self._handover = host.machine.handover(links)
        self._came: float | None = None  # when the first media came
        self._stopped: float | None = None  # since when the run stands still, for us
        self._looks = 0
        for side in self._handover.sides:
            host.loop.add_reader(side.fd, self._look)
        self._timer: asyncio.TimerHandle = host.loop.call_later(within, self._late)

    @property
    def gap(self) -> float | None:
        """Seconds without media between one run and the other; None: that is not known."""
        return self._handover.gap

    def give_up(self) -> None:
        """It is not to be any more, and `done` is not called."""
        self._timer.cancel()
        for side in self._handover.sides:
            self._host.loop.remove_reader(side.fd)
        self._handover.close()
        if self._stopped is not None and self.child:
            self.child.signal_group(signal.SIGCONT)

    def _look(self) -> None:
        now = self._host.loop.time()
        due = self._came is not None and now - self._came >= _PROVEN
        if self._handover.look(keep=due) and self._stopped is None and self.child:
            self._stopped = now
            self._timer.cancel()
            self.child.signal_group(signal.SIGSTOP)
            self._go_over()
        elif self._came is None and self._handover.came:
            self._came = now

    def _go_over(self) -> None:
        """As soon as the run stands still: what it sent would else be lost between one socket and the other."""
        assert self._stopped is not None
        if self.child and not self._host.machine.is_stopped(self.child.pid) and self._looks < _MOST_LOOKS:
            self._looks += 1
            self._timer = self._host.loop.call_later(_LOOK_AGAIN, self._go_over)
            return
        for side in self._handover.sides:
            self._host.loop.remove_reader(side.fd)
        self._handover.go_over()
        seconds = self._host.loop.time() - self._stopped
        if self.child:
            self.child.signal_group(signal.SIGCONT)
        self._stopped = None
        self._done(seconds)

    def _late(self) -> None:
        self.give_up()
        self._done(None)
