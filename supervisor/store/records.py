"""What a fact becomes: rows, each with a key, so that the same may be written twice and is there once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from supervisor.model import events
from supervisor.model.availability import AirHour
from supervisor.model.facts import Fact
from supervisor.model.fallback import SourceOrder
from supervisor.model.incidents import ActionTaken, Finding, Incident
from supervisor.model.maintenance import Maintenance
from supervisor.model.notifications import SAME_WITHIN, Notification
from supervisor.model.remembered import Account, KnownRun, KnownUplink, Word
from supervisor.model.terms import Action, ExitCause, Layer, Remedy, Result, Role, Segment, Trouble
from supervisor.store import schema

_NOT_TEXT: Final = {0: "\N{REPLACEMENT CHARACTER}"}  # PostgreSQL has no such character


class Into(NamedTuple):
    """Where rows go; those that are there already get these columns anew."""

    table: sa.Table
    changed: tuple[str, ...] = ()
    is_precious: bool = False  # is dropped last
    again_after: float | None = None  # see `Database.upsert`


_RUN_BEGUN: Final = ("boot", "pid", "reason", "started")
_RUN_ADOPTED: Final = ("boot", "pid", "ended", "cause")
_RUN_ENDED: Final = ("ended", "planned", "cause", "code", "signal", "segment", "said")
_OF_AN_INCIDENT: Final = tuple(c.name for c in schema.INCIDENTS.columns if c.name not in {"id", "boot"})
_OF_A_NOTIFICATION: Final = tuple(c.name for c in schema.NOTIFICATIONS.columns if c.name != "body")

# In the order in which a batch is written.
BOOT: Final = Into(schema.BOOTS, ("alive", "ended"), is_precious=True)
RUN_BEGUN: Final = Into(schema.RUNS, _RUN_BEGUN)
RUN_ADOPTED: Final = Into(schema.RUNS, _RUN_ADOPTED)
RUN_ENDED: Final = Into(schema.RUNS, _RUN_ENDED)
INCIDENT: Final = Into(schema.INCIDENTS, _OF_AN_INCIDENT, is_precious=True)
FACT: Final = Into(schema.FACTS)
ORDER: Final = Into(schema.ORDERS, is_precious=True)
NOTIFICATION: Final = Into(schema.NOTIFICATIONS, ("incident",), is_precious=True, again_after=SAME_WITHIN)
AIRTIME: Final = Into(schema.AIRTIME, ("seconds",), is_precious=True)
ACCOUNT: Final = Into(schema.ACCOUNTS, ("boot", "at", "body"))
EVERYWHERE: Final = (BOOT, RUN_BEGUN, RUN_ADOPTED, RUN_ENDED, INCIDENT, FACT, ORDER, NOTIFICATION, AIRTIME, ACCOUNT)

Key = tuple[object, ...]


class Record(NamedTuple):
    """A row. One with the same key takes its place while it waits."""

    key: Key
    into: Into
    row: Mapping[str, Any]

    @classmethod
    def of(cls, key: Key, into: Into, row: Mapping[str, Any]) -> Record:
        """With our words as plain text: a driver may take them for a kind of its own."""
        return cls(key, into, {k: str(v) if isinstance(v, StrEnum) else v for k, v in row.items()})


# --- facts -----------------------------------------------------------------------------------------

_RUNS: Final = (events.ProcessStarted, events.ProcessAdopted, events.ProcessExited)
_INCIDENTS: Final = (events.IncidentOpened, events.FindingEntered, events.IncidentClosed)
# The rest is either in these, or told so often that it would wear out a memory card: every check, every attempt.
_AS_THEY_ARE: Final = (
    events.SpawnFailed,
    events.StreamWanted,
    events.StreamOrdered,
    events.OrderLapsed,
    events.SourceOrdered,
    events.WatchdogsSwitched,
    events.MaintenanceOrdered,
    events.MaintenanceBegun,
    events.MaintenanceOver,
    events.StreamOnAir,
    events.RecoveryAttempted,
    events.RecoveryOrdered,
    events.RecoveryAnswered,
    events.LineChanged,
    events.CheckRearmed,
    events.DrillAnnounced,
    events.ConfigReloaded,
    events.StreamsEdited,
    events.ConfigRejected,
    events.OrphanEnded,
    events.ClockStepped,
    events.AnotherPublisher,
    events.EncoderReplaced,
    events.FeedSwitched,
    events.SwitchMeasured,
    events.SlateTrouble,
    events.ContentFound,
    events.ContentGood,
    events.PlatformFound,
    events.PlatformGood,
    events.PlatformAsked,
    events.StorageTrouble,
    events.StorageRecovered,
    events.ProbeTrouble,
    events.InternalError,
    events.OrdersRecalled,
    events.StoreTrouble,
    events.StoreRecovered,
)
KEPT: Final = frozenset({*_RUNS, *_INCIDENTS, events.OrderGiven, *_AS_THEY_ARE})


def records_of(fact: Fact, boot: str) -> list[Record]:  # noqa: PLR0911 - one line a kind
    """Every row that a fact of this life of neverdark becomes."""
    match what := fact.what:
        case events.ProcessStarted():
            return [_begun(what, fact.at, boot)]
        case events.ProcessAdopted():
            return [_adopted(what, fact.at, boot)]
        case events.ProcessExited():
            return [_ended(what, fact.at, boot)]
        case events.IncidentOpened(incident) | events.IncidentClosed(incident):
            return [record_of(incident, boot)]
        case events.FindingEntered(incident, _, part):
            of_part = [_part(part, incident.id, fact.at, boot)] if part else []
            return [*of_part, record_of(incident, boot)]
        case events.OrderGiven():
            return [_order(what, fact, boot)]
        case _:
            return [_as_it_is(fact, boot)]


def record_of(incident: Incident, boot: str) -> Record:
    """An incident as it is now."""
    row = {
        **{name: value for name, value in incident._asdict().items() if name in _OF_AN_INCIDENT or name == "id"},
        "boot": boot,
        "said": clean(incident.said),
        "findings": [plain(finding._asdict()) for finding in incident.findings],
        "actions": [plain(action._asdict()) for action in incident.actions],
        "part_of": None,
        "ended_by": None,
    }
    return Record.of(("incident", incident.id), INCIDENT, row)


def incident_of(row: Mapping[str, Any]) -> Incident:
    """The incident that stands in a row."""
    kept = {name: row[name] for name in Incident._fields if name in row}
    return Incident(
        **kept
        | {
            "cause": _cause(row["cause"]),
            "segment": _word(Segment, row["segment"]),
            "layer": _word(Layer, row["layer"]),
            "role": _word(Role, row["role"]),
            "findings": tuple(map(_finding, row["findings"])),
            "actions": tuple(map(_action, row["actions"])),
        }
    )


def told_record(one: Notification) -> Record:
    """Who was told. One that comes again stays a record of its own while it waits: each is counted."""
    row = {
        name: clean(value) if isinstance(value, str) else value
        for name, value in one._asdict().items()
        if name in _OF_A_NOTIFICATION
    }
    body = {"starts": one.starts, "scope": clean(one.scope)}
    return Record.of(("told", one.id, one.last), NOTIFICATION, row | {"body": body})


def told_of(row: Mapping[str, Any]) -> Notification:
    """The notification that stands in a row."""
    return Notification(**{name: row[name] for name in _OF_A_NOTIFICATION}, **row["body"])


def air_record(one: AirHour, boot: str) -> Record:
    """How long a stream was in a state, of an hour."""
    return Record.of(("air", *one[:3]), AIRTIME, one._asdict() | {"boot": boot})


def boot_record(boot: str, started: float, version: str, pid: int, alive: float, ended: float | None) -> Record:
    """A life of neverdark, as far as it has come."""
    row = {"boot": boot, "started": started, "version": version, "pid": pid, "alive": alive, "ended": ended}
    return Record.of(("boot", boot), BOOT, row)


# --- what outlives a restart -------------------------------------------------------------------------


def account_record(stream: str, account: Account, boot: str) -> Record:
    """The account of a stream as it is now."""
    runs = {  # by hand: there may be a thousand
        run_id: {"media": run.media, "uplinks": {name: of._asdict() for name, of in run.uplinks.items()}}
        for run_id, run in account.runs.items()
    }
    row = {"stream": stream, "boot": boot, "at": account.at, "body": {**account._asdict(), "runs": runs}}
    return Record(("account", stream), ACCOUNT, row)


def account_of(body: Any) -> Account | None:
    """The account that stands in a row; None if it is one of another kind."""
    try:
        runs = {
            run_id: KnownRun(known["media"], {name: KnownUplink(**of) for name, of in known["uplinks"].items()})
            for run_id, known in body["runs"].items()
        }
        return Account(**body | {"runs": runs})
    except (LookupError, TypeError, AttributeError):
        return None


def row_of_word(word: Word) -> dict[str, Any]:
    """An operator's word as a row, but for the stream."""
    return {**word._asdict(), "by": "operator"}


def word_of(row: Mapping[str, Any]) -> Word:
    """The word that stands in a row."""
    return Word(**{name: row[name] for name in Word._fields})


def row_of_source(order: SourceOrder) -> dict[str, Any]:
    """What an operator wants viewers to see as a row, but for the stream."""
    return {**order._asdict(), "why": clean(order.why), "by": "operator"}


def source_of(row: Mapping[str, Any]) -> SourceOrder:
    """The order that stands in a row."""
    return SourceOrder(**{name: row[name] for name in SourceOrder._fields})


def row_of_window(window: Maintenance) -> dict[str, Any]:
    """A maintenance window as a row, but for its id."""
    streams = None if window.streams is None else list(window.streams)
    known = {"since": window.since, "until": window.until, "lasting": window.lasting}
    return {"streams": streams, "reason": clean(window.reason), **known}


def window_of(identity: str, row: Mapping[str, Any]) -> Maintenance:
    """The window that stands in a row."""
    streams = None if row["streams"] is None else tuple(row["streams"])
    return Maintenance(identity, streams, row["since"], row["until"], row["reason"], "operator", row["lasting"])


# --- values ----------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, str):
        return clean(str(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return clean(str(value)) if isinstance(value, PurePath) else value


def clean(text: str | None) -> str | None:
    """Text without what a database cannot hold: half characters, and NUL."""
    if text is None:
        return None
    return text.encode("utf-8", "replace").decode().translate(_NOT_TEXT)


def _begun(what: events.ProcessStarted, at: float, boot: str) -> Record:
    row = {"run_id": what.run_id, **_of(what, boot), "pid": what.pid, "reason": what.reason, "started": at}
    return Record.of(("begun", what.run_id), RUN_BEGUN, row)


def _adopted(what: events.ProcessAdopted, at: float, boot: str) -> Record:
    """It has been taken for ended with the neverdark that started it, and goes on."""
    row = {
        "run_id": what.run_id,
        **_of(what, boot),
        "pid": what.pid,
        "reason": None,
        "started": at - what.seconds,
        "ended": None,
        "cause": None,
    }
    return Record.of(("adopted", what.run_id), RUN_ADOPTED, row)


def _ended(what: events.ProcessExited, at: float, boot: str) -> Record:
    row = {
        "run_id": what.run_id,
        **_of(what, boot),
        "started": at - what.seconds,
        "ended": at,
        "planned": what.planned,
        "cause": what.cause,
        "code": what.code,
        "signal": what.signal,
        "segment": what.segment,
        "said": clean(what.said),
    }
    return Record.of(("ended", what.run_id), RUN_ENDED, row)


def _of(what: events.ProcessStarted | events.ProcessAdopted | events.ProcessExited, boot: str) -> dict[str, str]:
    return {"boot": boot, "stream": what.key.stream, "role": what.key.role, "destination": what.key.destination}


def _part(part: Incident, whole: str, at: float, boot: str) -> Record:
    record = record_of(part, boot)
    return record._replace(row={**record.row, "closed": at, "part_of": whole})


def _order(what: events.OrderGiven, fact: Fact, boot: str) -> Record:
    row = {
        "boot": boot,
        "number": fact.number,
        "at": fact.at,
        "stream": what.subject.stream,
        "destination": what.subject.destination,
        "what": clean(what.what),
        "by": clean(what.by),
        "address": clean(what.address),
    }
    return Record.of(("order", fact.number), ORDER, row)


def _as_it_is(fact: Fact, boot: str) -> Record:
    row = {
        "boot": boot,
        "number": fact.number,
        "at": fact.at,
        "kind": type(fact.what).__name__,
        "stream": fact.subject.stream,
        "destination": fact.subject.destination,
        "body": plain(fact.what),
    }
    return Record.of(("fact", fact.number), FACT, row)


def _word(kind: type[StrEnum], text: str | None) -> Any:
    """One of our words; a word of another version stays what it is."""
    return next((member for member in kind if member == text), text)


def _cause(text: str) -> Any:
    return next((member for member in (*ExitCause, *Trouble) if member == text), text)


def _finding(row: Mapping[str, Any]) -> Finding:
    words = {"segment": _word(Segment, row["segment"]), "layer": _word(Layer, row["layer"])}
    return Finding(**{**row, **words, "cause": _cause(row["cause"]), "role": _word(Role, row["role"])})


def _action(row: Mapping[str, Any]) -> ActionTaken:
    layer, action = _word(Layer, row["layer"]), _word(Action, _word(Remedy, row["action"]))
    return ActionTaken(row["at"], layer, action, _word(Result, row["result"]))
