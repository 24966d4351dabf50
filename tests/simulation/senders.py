"""Simulated processes that connect to an ingest: pushers, and commands that do all by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supervisor.judge.uplink import TcpSample, TcpState
from supervisor.model.terms import ExitCause, Reach, Segment
from tests.simulation.line import Ingest
from tests.simulation.processes import KEYFRAMES, RATE, Encoder, Process, Spawned
from tests.simulation.words import last_words

if TYPE_CHECKING:
    from tests.simulation.wires import SimulatedLink
    from tests.simulation.world import World

_BUFFER = 7.0  # seconds of media that fit between FFmpeg and an ingest that takes nothing
_CATCHES_UP = 4.0  # seconds of media in a second
_CONNECTS_FOR = 127.0  # seconds until the kernel gives up


class Sender(Process):
    """Sends what it is given to one ingest."""

    def __init__(self, world: World, spawned: Spawned, ingest: Ingest) -> None:
        super().__init__(world, spawned)
        self.ingest = ingest
        self.publishes_on = ingest.name
        self.given = 0.0  # seconds of media
        self.acked = 0.0
        self.connected = False  # a connection stands
        self.accepted = False  # and the ingest lets it publish
        self.deaf = False  # of its connection nothing comes in any more
        self.connecting = False
        self.inode = 0
        self._ready_at: float | None = None  # when it will have seen a keyframe

    # --- the connection ----------------------------------------------------------------------------

    def _connect(self) -> None:
        """Its media is known: now it opens its output."""
        self.connecting = True
        self.later(self.world.chance.uniform(0.05, 0.4), self._arrive)

    def _arrive(self) -> None:
        ingest = self.ingest
        if ingest.cut and ingest.line.style is Reach.NO_ROUTE:
            self._give_up(ExitCause.INGEST_UNREACHABLE, Segment.NETWORK, "Network is unreachable")
        elif (ingest.cut and ingest.line.style is Reach.UNRESOLVED) or (ingest.line.nameless and not ingest.near):
            wait = 5.0 if ingest.cut else 1.0
            self.later(wait, lambda: self._give_up(ExitCause.INGEST_UNREACHABLE, Segment.NETWORK, "resolve"))
        elif ingest.cut:
            if self.world.agenda.now - self.began > _CONNECTS_FOR:
                self._give_up(ExitCause.INGEST_UNREACHABLE, Segment.NETWORK, "timed out")
            else:  # the kernel asks again, ever more seldom
                self.later(min(32.0, max(1.0, self.world.agenda.now - self.began)), self._arrive)
        elif ingest.has("ingest_down"):
            self._give_up(ExitCause.INGEST_UNREACHABLE, Segment.PLATFORM, "refused")
        else:
            self.connected, self.inode = True, self.world.wires.number()
            self._greet()

    def _greet(self) -> None:
        """The ingest has our connection; what does it say?"""
        ingest = self.ingest
        if self.deaf or ingest.cut or ingest.has("ingest_freezes"):
            self.later(1.0, self._greet)
        elif ingest.has("ingest_refuses"):
            self._give_up(ExitCause.INGEST_REFUSED, Segment.PLATFORM)
        elif ingest.has("ingest_ghost"):
            self._give_up(ExitCause.INGEST_REFUSED, Segment.PLATFORM, "Already publishing")
        else:
            self.accepted, self.connecting, self._at = True, False, self.world.agenda.now
            ingest.publishing.append(self)
            if ingest.has("ingest_drops"):
                self.later(self.world.chance.uniform(1.0, 4.0), self.dropped)

    def dropped(self) -> None:
        """The ingest hangs up."""
        if self.connected and not self.stopped and not self.ingest.cut and not self.deaf:
            self._give_up(ExitCause.INGEST_CLOSED, Segment.PLATFORM)

    def _give_up(self, cause: ExitCause, segment: Segment, holding: str = "") -> None:
        if self.trouble:
            return
        self.fail(last_words(self.world.chance, self.world.version, self.key.role, cause, segment, "rtmp", holding))

    def over(self) -> None:
        self.connected = False
        if self in self.ingest.publishing:
            self.ingest.publishing.remove(self)

    def sample(self) -> TcpSample | None:
        """What the kernel knows of its connection."""
        if not self.connected:
            return None
        waiting = int((self.media - self.acked) * RATE)
        return TcpSample(
            self.inode,
            3000 + int(self.acked * RATE),
            waiting,
            1 if waiting else 0,
            0.02,
            0,
            TcpState.ESTABLISHED,
        )

    # --- media -------------------------------------------------------------------------------------

    @property
    def blocked(self) -> bool:
        return not self.accepted or self.ingest.rate == 0.0 or self.deaf or not self.fed

    @property
    def fed(self) -> bool:
        """Media comes in."""
        raise NotImplementedError

    @property
    def reports(self) -> bool:
        return self.accepted

    @property
    def calm(self) -> bool:
        return self.on_air and self.media - self.acked < 1.0

    @property
    def on_air(self) -> bool:
        """What it sends arrives, and something is sent."""
        able = not self.trouble and not self.stopped and self.alive
        return able and self.accepted and self.fed and not self.deaf and self.ingest.rate > 0

    def _send(self, seconds: float) -> None:
        """Give to the kernel what fits, and have acknowledged what the ingest takes."""
        rate = 0.0 if self.deaf else self.ingest.rate
        if rate >= 1.0 and self.acked == self.media and not self.trouble and self.given - self.media <= seconds:
            self.media = self.acked = self.given  # as it is nearly always
            return
        room = _BUFFER + rate * seconds - (self.media - self.acked)
        if not self.trouble:
            self.media += max(0.0, min(self.given - self.media, _CATCHES_UP * seconds, room))
        self.acked += min(self.media - self.acked, rate * seconds)

    def flow(self, now: float) -> None:
        seconds, self._at = now - self._at, now
        self._take(seconds, now)
        if self.accepted:
            self._send(seconds)
        elif not self.connecting and not self.trouble and self.fed:
            if self._ready_at is None:
                self._ready_at = now + self.world.chance.uniform(0.3, KEYFRAMES)
            elif now >= self._ready_at:
                self.given = self.media = 0.0
                self._connect()

    def _take(self, seconds: float, now: float) -> None:
        """Count what comes in."""
        raise NotImplementedError


class Pusher(Sender):
    """Sends what its encoder makes."""

    def __init__(self, world: World, spawned: Spawned, ingest: Ingest, link: SimulatedLink) -> None:
        super().__init__(world, spawned, ingest)
        self.link = link
        self._encoder: Encoder | None = None
        self._seen = 0.0

    def _feeder(self) -> Encoder | None:
        sender = self.link.sender
        return None if sender is None else self.world.table.sends_from(self.link.port, sender)

    @property
    def fed(self) -> bool:
        encoder = self._feeder()
        return encoder is not None and encoder.reading

    def _take(self, seconds: float, now: float) -> None:
        del seconds
        encoder = self._feeder()
        if encoder is None:
            return
        encoder.flow(now)
        if encoder is not self._encoder:
            self._encoder = encoder
            self._seen = self.link.media_then if self.link.connected_at >= self.began else encoder.media
        self.given += encoder.media - self._seen
        self._seen = encoder.media


class Command(Sender):
    """A program of the owner's: reads a source of its own and sends it."""

    @property
    def fed(self) -> bool:
        return not self.trouble and not self.stopped

    def _take(self, seconds: float, now: float) -> None:
        del now
        if self.fed:
            self.given += seconds
