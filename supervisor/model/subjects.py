"""What something is about: neverdark itself, a stream, a destination, or a process. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.model.terms import ProcessKey, Role


@dataclass(frozen=True, slots=True)
class Subject:
    """Nothing said, it is neverdark itself; with a stream it is that, or a destination of it; with a role a process.

    Prints as users know it: `neverdark`, `harbour-cam`, `harbour-cam:youtube`, `harbour-cam/pusher-youtube`.
    """

    stream: str = ""
    destination: str = ""
    role: Role | None = None
    rung: int = 0  # of an encoder, as in `ProcessKey`

    @classmethod
    def of(cls, key: ProcessKey) -> Subject:
        """A process."""
        return cls(key.stream, key.destination, key.role, key.rung)

    @property
    def key(self) -> ProcessKey | None:
        """The process that it is; None for all else."""
        return ProcessKey(self.stream, self.role, self.destination, self.rung) if self.role else None

    def __str__(self) -> str:
        if key := self.key:
            return str(key)
        return f"{self.stream}:{self.destination}" if self.destination else self.stream or "neverdark"


ITSELF = Subject()
