"""What is out there: sources, ingests, our own line with its reference host and DNS."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from supervisor.model.quantities import Address
from supervisor.model.terms import Reach

if TYPE_CHECKING:
    from tests.simulation.senders import Sender

_CATCHES_UP = 4.0
TIMEOUT = 5.0  # seconds that a probe waits


class Troubled:
    """Something that faults happen to; the same fault may happen twice at a time."""

    def __init__(self) -> None:
        self._troubles: Counter[str] = Counter()
        self.well = True  # none lasts

    def begin(self, kind: str) -> None:
        """A fault begins."""
        self._troubles[kind] += 1
        self.well = False

    def end(self, kind: str) -> None:
        """A fault ends."""
        self._troubles[kind] -= 1
        self.well = not any(count > 0 for count in self._troubles.values())

    def has(self, *kinds: str) -> bool:
        """Whether one of these lasts."""
        return not self.well and any(self._troubles[kind] > 0 for kind in kinds)


class Source(Troubled):
    """What one encoder reads. `place` is where a probe looks; None: nowhere."""

    def __init__(self, stream: str, kind: str, host: str = "") -> None:
        super().__init__()
        self.stream = stream
        self.kind = kind
        self.host = host
        self.picture = Troubled()  # it delivers, and what it shows is worth nothing

    def reach(self) -> tuple[Reach, float]:
        """What a probe finds, and how long it takes."""
        if self.has("source_gone"):
            return Reach.REFUSED, 0.02
        if self.has("source_silent"):
            return (Reach.SILENT, TIMEOUT) if self.kind == "rtsp" else (Reach.ACCEPTS, 0.02)
        return Reach.ANSWERS if self.kind == "rtsp" else Reach.ACCEPTS, 0.02


class Line(Troubled):
    """Our own line, with its DNS."""

    def __init__(self) -> None:
        super().__init__()
        self.style = Reach.TIMEOUT  # how it fails: TIMEOUT, NO_ROUTE or UNRESOLVED

    @property
    def down(self) -> bool:
        """Nothing gets out."""
        return self.has("line_down")

    @property
    def nameless(self) -> bool:
        """No name has an address."""
        return self.has("dns_down")

    def lost(self) -> tuple[Reach, float] | None:
        """What a probe of anything out there finds, and how long it takes; None: the line is no hindrance."""
        if self.down:
            return self.style, 0.01 if self.style is Reach.NO_ROUTE else TIMEOUT
        return (Reach.UNRESOLVED, 1.0) if self.nameless else None


@dataclass
class Ingest(Troubled):
    """Where one destination is sent. `near`: on this machine."""

    name: str  # STREAM/DESTINATION
    address: Address
    near: bool
    line: Line
    required: bool = True
    tls: bool = False
    share: float = 1.0  # of what comes it takes so much, while it is slow
    publishing: list[Sender] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def cut(self) -> bool:
        """What is sent does not arrive."""
        return self.line.down and not self.near

    @property
    def rate(self) -> float:
        """Seconds of media that it acknowledges in a second; it catches up faster than it plays."""
        if self.well and self.line.well:
            return _CATCHES_UP
        if self.cut or self.has("ingest_freezes"):
            return 0.0
        return self.share if self.has("ingest_slow") else _CATCHES_UP

    def reach(self) -> tuple[Reach, float]:
        """What a probe finds, and how long it takes."""
        if not self.near and (lost := self.line.lost()):
            return lost
        if self.has("ingest_down"):
            return Reach.REFUSED, 0.03
        if self.has("ingest_freezes"):
            return Reach.SILENT, TIMEOUT
        return Reach.ANSWERS, 0.1

    @property
    def usable(self) -> bool:
        """Whether who is sent here could be on air."""
        way = self.near or not (self.line.down or self.line.nameless)
        return way and self.well
