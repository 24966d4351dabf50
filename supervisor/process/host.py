"""What the place of a process is given: things of the machine's, things that all places share, and whom to ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from supervisor.desired.environment import Environments
    from supervisor.desired.plan import ProcessSpec
    from supervisor.ffmpeg.opening import Traits
    from supervisor.judge.attribution import FailureEvidence
    from supervisor.judge.incidents import Book
    from supervisor.machine.data_dir import DataDir
    from supervisor.machine.exits import Exits
    from supervisor.machine.gather import Gather
    from supervisor.machine.machine import Machine
    from supervisor.machine.marks import RunNames
    from supervisor.machine.media_links import MediaLinks
    from supervisor.machine.oom import MemoryWatch
    from supervisor.machine.runlog import AfterWrite
    from supervisor.model import events
    from supervisor.model.quantities import Address
    from supervisor.model.terms import ProcessKey
    from supervisor.process.adoption import Adoptable
    from supervisor.process.backlog import Backlog
    from supervisor.process.claims import Claims
    from supervisor.process.slot import Slot


class Knowledge(Protocol):
    """What is known of the ways to ingests and sources."""

    def line_down(self, address: Address) -> bool:
        """Whether it is our own line that keeps this ingest from us."""

    def add_to(self, evidence: FailureEvidence, spec: ProcessSpec) -> FailureEvidence:
        """The evidence of a failure, with what probes have found on the way of that process."""


class Rivals(Protocol):
    """What is known of others who publish where we do."""

    def of(self, key: ProcessKey) -> str | None:
        """Who else publishes where this pusher does, in words; None when nobody is known to."""


class Owner(Protocol):
    """Who keeps the places, and knows the whole configuration."""

    def turned(self, slot: Slot) -> None:
        """A place took a turn of its life; called in the middle of it."""

    def adapted(self, key: ProcessKey, traits: Traits) -> tuple[str, ...]:
        """The command line of an encoder, made for what is known of its source."""


@dataclass(frozen=True, slots=True)
class Host:
    """The same for every place, and for the streams that they belong to."""

    loop: asyncio.AbstractEventLoop
    machine: Machine
    names: RunNames
    exits: Exits
    progress: Gather
    environments: Environments
    file_limits: tuple[int, int]  # soft and hard, of each child's open files
    data_dir: DataDir
    links: MediaLinks
    backlog: Backlog
    claims: Claims
    memory: MemoryWatch
    storage: AfterWrite
    book: Book  # places ask it for an incident's name alone: the segment is their stream's business
    tell: events.Tell
    knowledge: Knowledge
    rivals: Rivals
    owner: Owner
    adoptable: dict[ProcessKey, Adoptable] = field(default_factory=dict)  # until their places are made
    may_run_commands: Callable[[], bool] = lambda: False  # of the owners of programs that are not ours
