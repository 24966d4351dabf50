"""What outlives neverdark's own end, as values; times are seconds since 1970. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

from supervisor.model.fallback import SourceOrder
from supervisor.model.incidents import Incident
from supervisor.model.maintenance import Maintenance


class Word(NamedTuple):
    """An operator's start or stop, as it is kept.

    It holds before `until` (None: until another word); `ends` is how that was said. `enabled` is what the configuration
    says meanwhile: when it says something else, the operator's word is over.
    """

    wanted: bool
    why: str
    since: float | None
    until: float | None
    enabled: bool
    ends: str = "forever"


DestinationName = tuple[str, str]  # its stream, and its own name there


class KnownUplink(NamedTuple):
    """What was known of the connections of a run to one ingest.

    Sums over all of them, and of the latest: its socket, what the kernel said of it, and when it began.
    """

    connections: int
    acked_bytes: int
    retransmits: int
    inode: int
    acked_of_it: int
    retransmits_of_it: int
    since: float | None


class KnownRun(NamedTuple):
    """What a run had counted: media seconds of its own, and its connections by destination ("": its only one)."""

    media: float
    uplinks: Mapping[str, KnownUplink] = {}


class Account(NamedTuple):
    """The account of one stream as it stood at a moment, so that the next neverdark can go on with it.

    `now` is that moment on the monotonic clock, `at` on the wall's. `left`: nothing was booked after it.
    """

    at: float
    now: float
    wanted: bool
    on_air: bool
    on_air_seconds: float
    off_air_seconds: Mapping[str, float]  # by segment
    runs: Mapping[str, KnownRun]
    left: bool = False


class Memory(Protocol):
    """What remembers over a restart. No method waits."""

    def recall(self) -> Mapping[str, Word]:
        """The words of operators by stream, as they were when neverdark ended; none if that cannot be read."""

    def keep(self, words: Mapping[str, Word]) -> None:
        """From now on these are all there are."""

    def recall_sources(self) -> Mapping[str, SourceOrder]:
        """The source of each stream that operators want viewers to see, likewise."""

    def keep_sources(self, ordered: Mapping[str, SourceOrder]) -> None:
        """From now on these are all there are."""

    def recall_windows(self) -> Sequence[Maintenance]:
        """The maintenance windows that operators have ordered, likewise."""

    def keep_windows(self, windows: Sequence[Maintenance]) -> None:
        """From now on these are all there are."""

    def recall_accounts(self) -> Mapping[str, Account]:
        """What the neverdark before this one has noted last of each stream."""

    def note_accounts(self, accounts: Mapping[str, Account]) -> None:
        """Those of some streams are these now."""

    def number(self, destinations: Sequence[DestinationName]) -> None:
        """Each of these is to have a number, soon: in this order, if it has none yet. Never waits."""

    def stopped_watchdogs(self) -> Mapping[DestinationName, float]:
        """The destinations whose watchdog an operator has stopped, and when, as it was when neverdark ended."""

    def keep_stopped_watchdogs(self, stopped: Mapping[DestinationName, float]) -> None:
        """From now on these are all there are. Never waits."""

    def numbers(self) -> Mapping[DestinationName, int]:
        """Those that are known. No number is ever given to another destination, and none changes while we run."""

    def recall_externals(self) -> Mapping[str, Mapping[str, Any]]:
        """Programs that had announced themselves, by name; as `recall`."""

    def keep_externals(self, externals: Mapping[str, Mapping[str, Any]]) -> None:
        """As `keep`."""


class Forgetful:
    """Remembers nothing: for who has no store."""

    def recall(self) -> Mapping[str, Word]:
        """None."""
        return {}

    def keep(self, words: Mapping[str, Word]) -> None:
        """They are forgotten."""

    def number(self, destinations: Sequence[DestinationName]) -> None:
        """They get none: at the next start it would be another one."""

    def numbers(self) -> Mapping[DestinationName, int]:
        """None."""
        return {}

    def stopped_watchdogs(self) -> Mapping[DestinationName, float]:
        """None."""
        return {}

    def keep_stopped_watchdogs(self, stopped: Mapping[DestinationName, float]) -> None:
        """They are forgotten."""

    def recall_sources(self) -> Mapping[str, SourceOrder]:
        """None."""
        return {}

    def keep_sources(self, ordered: Mapping[str, SourceOrder]) -> None:
        """They are forgotten."""

    def recall_windows(self) -> Sequence[Maintenance]:
        """None."""
        return ()

    def keep_windows(self, windows: Sequence[Maintenance]) -> None:
        """They are forgotten."""

    def recall_accounts(self) -> Mapping[str, Account]:
        """None."""
        return {}

    def note_accounts(self, accounts: Mapping[str, Account]) -> None:
        """They are forgotten."""

    def recall_externals(self) -> Mapping[str, Mapping[str, Any]]:
        """None."""
        return {}

    def keep_externals(self, externals: Mapping[str, Mapping[str, Any]]) -> None:
        """They are forgotten."""


class StoreState(NamedTuple):
    """How the store does; `queue` records wait to be written, `written` and `dropped` are totals."""

    up: bool = True
    queue: int = 0
    written: int = 0
    dropped: int = 0


class PastIncident(NamedTuple):
    """An incident as it is remembered; `ended_by` tells what closed it where that was no recovery and no stop."""

    incident: Incident
    ended_by: str | None


class Question(NamedTuple):
    """Which incidents: those that went on in some part of the time from `since` to before `until` (seconds since 1970).

    `after` is what an answer before gave as `next`: only what follows it.
    """

    since: float | None = None
    until: float | None = None
    stream: str | None = None
    segment: str | None = None
    after: str | None = None
    limit: int = 1000
    open_only: bool = False


class Page(NamedTuple):
    """The newest first; `next` is for the next question, None where there is no more.

    Not `complete`: the database is out of reach, so the past is missing, or what has happened of late.
    """

    incidents: tuple[PastIncident, ...]
    next: str | None
    complete: bool = True


def since_the_start(known: Sequence[Incident], question: Question) -> Page:
    """The answer where nothing but `known` can be asked, the newest first; it has no next page."""
    wanted = (
        incident
        for incident in known
        if (question.since is None or incident.closed is None or incident.closed >= question.since)
        and (question.until is None or incident.opened < question.until)
        and question.stream in {None, incident.stream}
        and question.segment in {None, incident.segment}
        and not (question.open_only and incident.closed)
    )
    shown = tuple(PastIncident(incident, None) for incident in islice(wanted, question.limit))
    return Page(shown, None, complete=False)
