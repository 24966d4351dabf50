"""The store's parts by themselves: what a fact becomes, what waits, when trouble is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from supervisor.model import events
from supervisor.model.availability import AirHour
from supervisor.model.facts import Fact, subject_of
from supervisor.model.notifications import Notification
from supervisor.model.subjects import ITSELF
from supervisor.store.outage import NEWS_AFTER, Outage
from supervisor.store.pending import Pending
from supervisor.store.records import (
    AIRTIME,
    INCIDENT,
    KEPT,
    RUN_BEGUN,
    Record,
    air_record,
    incident_of,
    record_of,
    records_of,
    told_of,
    told_record,
)
from supervisor.store.trouble import is_damaged, is_of_a_record, words_of
from tests.store_scenes import FINDING, closed, incident
from tests.unit.model.test_facts import TOLD

# Told at every check, attempt or start: they would wear out a memory card.
TOO_OFTEN = {
    events.ProcessAdvanced,
    events.ProcessSilent,
    events.SourceLearned,
    events.ProgramTrouble,
    events.ProcessRemoved,
    events.RetryScheduled,
    events.BudgetRefilled,
    events.WatchdogStarted,
    events.DestinationHealthy,
    events.DestinationUnhealthy,
}


def test_somebody_has_decided_of_every_fact_whether_it_is_kept() -> None:
    assert KEPT.isdisjoint(TOO_OFTEN)
    assert set(get_args(events.Payload)) == KEPT | TOO_OFTEN


@pytest.mark.parametrize("what", [what for what, _ in TOLD if type(what) in KEPT], ids=lambda what: type(what).__name__)
def test_every_kept_fact_becomes_rows_of_plain_values(what: events.Payload) -> None:
    for record in records_of(Fact(5.0, 7, subject_of(what), what), "life"):
        assert set(record.row) <= {column.name for column in record.into.table.columns}
        assert json.loads(json.dumps(record.row)) == record.row, "no enum, path or tuple of ours"
        for value in record.row.values():
            assert value is None or type(value) in {str, int, float, bool, dict, list}


def test_text_that_no_database_can_hold_is_made_one_that_it_can() -> None:
    fact = Fact(5.0, 7, ITSELF, events.ConfigRejected(Path("/a\ud800"), ("NUL: \0",)))
    (record,) = records_of(fact, "life")
    assert record.row["body"] == {"file": "/a?", "problems": ["NUL: \N{REPLACEMENT CHARACTER}"]}


def test_an_incident_comes_back_as_it_was_and_a_word_of_another_version_does_no_harm() -> None:
    plain = FINDING._replace(said="words")
    one = closed(findings=(plain,))
    row = dict(record_of(one, "life").row)
    assert incident_of(row) == one
    known = incident_of(row | {"cause": "a cause of tomorrow", "segment": "studio"})
    assert (known.cause, known.segment) == ("a cause of tomorrow", "studio")


# --- what waits ------------------------------------------------------------------------------------


def run(number: int) -> Record:
    return Record.of(("begun", number), RUN_BEGUN, {"run_id": f"r{number}"})


def test_newer_news_take_the_place_of_older_ones_also_while_those_are_being_written() -> None:
    pending = Pending(10)
    opened, over = record_of(incident(), "b"), record_of(closed(), "b")
    pending.add([opened])
    writing = pending.first(5)
    pending.add([over])
    pending.done(writing)
    assert pending.first(5) == (over,)
    pending.done([over])
    assert len(pending) == 0


def test_what_is_precious_is_dropped_last() -> None:
    pending = Pending(3)
    pending.add(run(number) for number in range(5))
    assert (len(pending), pending.dropped) == (3, 2)
    pending.add(record_of(incident(number), "b") for number in range(5))
    assert (len(pending), pending.dropped) == (6, 4)
    pending.add([record_of(closed(0), "b")])
    assert pending.dropped == 4, "it takes a place that it has already"
    assert sum(record.into is INCIDENT for record in pending.first(10)) == 3


# --- trouble ---------------------------------------------------------------------------------------


def outage() -> tuple[Outage, list[events.Payload]]:
    told: list[events.Payload] = []
    return Outage("db", told.append), told


def test_a_short_lock_is_no_news_and_a_long_one_is_told_once() -> None:
    one, told = outage()
    one.failed("database is locked", 100.0)
    one.over(102.0)
    assert told == []
    waits = [one.failed("database is locked", 200.0 + second) for second in range(60)]
    assert waits[:5] == [0.5, 1.0, 2.0, 4.0, 5.0]
    assert max(waits) == 5.0
    one.lost(3)
    one.lost(7)
    one.over(261.0)
    assert told == [
        events.StoreTrouble("db", "database is locked"),
        events.StoreTrouble("db", "database is locked", 3),
        events.StoreRecovered("db", 61.0, 7),
    ]
    assert NEWS_AFTER < 60
    one.over(262.0)
    one.failed("again", 300.0)
    one.failed("again", 310.0)
    assert told[3:] == [events.StoreTrouble("db", "again")]
    one.over(311.0)
    assert told[4:] == [events.StoreRecovered("db", 11.0, 0)], "what was lost before is told already"


def test_words_name_no_statement_and_no_value() -> None:
    secret = "INSERT INTO t VALUES ('bait')"
    error = OperationalError(secret, {"a": "bait"}, Exception("database is locked\n"))
    assert words_of(error) == "database is locked"
    assert not is_damaged(error)
    assert not is_of_a_record(error)
    assert is_of_a_record(IntegrityError(secret, {}, Exception("x")))
    assert is_of_a_record(OverflowError("Python int too large"))
    assert words_of(OSError(28, "No space left on device")) == "[Errno 28] No space left on device"
    assert len(words_of(OSError("x" * 5000))) <= 300


def test_who_was_told_and_hours_on_air_become_rows_of_plain_values_and_come_back() -> None:
    one = Notification("n", 1.0, 2.0, "page\0", "A\ud800", None, "firing", "cam", "yt", "stream", 0.5, "i", 3)
    record = told_record(one)
    assert json.loads(json.dumps(record.row)) == record.row
    assert told_of(record.row) == one._replace(receiver="page\N{REPLACEMENT CHARACTER}", alert="A?")
    assert told_record(one._replace(last=9.0)).key != record.key, "each that waits is counted"
    air = AirHour("cam", 3600.0, "on_air", 5.0)
    assert air_record(air, "b").key == air_record(air._replace(seconds=6.0), "b").key
    assert set(air_record(air, "b").row) == {column.name for column in AIRTIME.table.columns}
