"""Changes of streams and destinations by API, and what comes of them, as values. Pure.

A body is what stands in a configuration below `streams.NAME`: plain keys and values, with secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, Protocol

from supervisor.model.terms import Role

Body = Mapping[str, Any]
Bodies = Mapping[str, Body]  # by the stream's name
Origin = Literal["file", "api"]
FILE: Final = "file"
API: Final = "api"

# Make what is not there; put another body in its place; merge a patch into it (RFC 7396); remove it.
EditVerb = Literal["make", "replace", "patch", "remove"]


class Edit(NamedTuple):
    """What is asked for: of a stream, of one of its destinations, or of one section of a destination."""

    verb: EditVerb
    stream: str
    body: Any = None
    destination: str | None = None
    section: str | None = None


class Wrong(NamedTuple):
    """One mistake: where it stands, what stands there (secrets hidden, None: it tells nothing), what was expected."""

    path: str
    value: str | None
    expected: str

    def __str__(self) -> str:
        value = f" {self.value}:" if self.value is not None else ""
        return f"{self.path}:{value} {self.expected}" if self.path else self.expected


Change = Literal["added", "changed", "removed", "none"]
ProcessChange = Literal["starts", "restarts", "stops", "goes on with other settings"]


class ProcessEffect(NamedTuple):
    """What becomes of one process, if the stream is wanted."""

    role: Role
    destination: str | None
    change: ProcessChange


class Edited(NamedTuple):
    """What came of an edit, or would. `config` is the stream's, secrets hidden; None: there is none any more."""

    stream: str
    change: Change
    origin: Origin | None
    processes: tuple[ProcessEffect, ...]
    warnings: tuple[str, ...]
    config: Body | None


class Configured(NamedTuple):
    """What is configured of a stream, secrets hidden; `problems`: why a made one does not go with the file as it is.

    `watchdog` has what is in force for each destination: `enabled`, and seconds and counts.
    """

    stream: str
    origin: Origin
    config: Body
    problems: tuple[str, ...]
    watchdog: Mapping[str, Mapping[str, bool | float]]


class Invalid(Exception):  # noqa: N818 - it names the state
    """A body that cannot be used, with every mistake that was found."""

    def __init__(self, wrong: tuple[Wrong, ...]) -> None:
        self.wrong = wrong
        super().__init__("; ".join(map(str, wrong)))


class NoSuchStream(Exception):  # noqa: N818 - it names the state
    """No stream has this name."""


class NoSuchDestination(Exception):  # noqa: N818 - it names the state
    """The stream has no destination of this name."""


class OutOfReach(Exception):  # noqa: N818 - it names the state
    """What is asked for cannot be remembered now, and nothing has changed. The text says why."""


class Shelf(Protocol):
    """What keeps the streams that were made by API."""

    def made(self) -> Bodies | None:
        """All of them; None while that is not known. Never waits."""

    def meanwhile(self) -> Bodies:
        """Those that run as long as it is not known: as they were when it was, before this start."""

    def make(self, made: Bodies) -> None:
        """From now on these are all. Blocks until that is written. Raises `OutOfReach`."""
