"""The store over both databases: nothing lost, nothing twice, and never in anybody's way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from supervisor.config.problems import Problem
from supervisor.config.shape import Config
from supervisor.model import events
from supervisor.model.edits import OutOfReach
from supervisor.model.maintenance import Maintenance
from supervisor.model.remembered import Account, KnownRun, KnownUplink, Word
from supervisor.model.subjects import Subject
from supervisor.model.terms import Segment
from supervisor.preflight.database import look_at_database
from supervisor.store import retention, schema, upgrade
from supervisor.store.database import Database
from supervisor.store.postgres import Postgres
from supervisor.store.sqlite import SqliteFile
from supervisor.store.store import Store
from supervisor.store.trouble import NewerDatabase
from supervisor.store.writing import ENDED
from tests.integration.harness.postgres import PostgresServer
from tests.store_scenes import FINDING, KEY, Speaker, closed, exited, incident, page_of, rows, until

STOPPED = Word(wanted=False, why="operator", since=1000.0, until=None, enabled=True)
Open = Callable[..., Store]


class Place:
    """Where a store keeps things, and how to put it out of reach."""

    def __init__(self, database: Callable[[], Database], server: PostgresServer | None, file: Path | None) -> None:
        self.database = database
        self.server = server
        self.file = file
        self._block: sa.Connection | None = None

    def take_away(self) -> None:
        """From now on nothing can be written."""
        if self.server:
            self.server.stop()
            return
        assert self.file
        engine = sa.create_engine(f"sqlite:///{self.file}", poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        self._block = engine.connect()
        self._block.exec_driver_sql("PRAGMA busy_timeout=10000")
        self._block.exec_driver_sql("BEGIN EXCLUSIVE")

    def give_back(self) -> None:
        if self.server:
            self.server.start()
        elif self._block:
            self._block.exec_driver_sql("ROLLBACK")
            self._block.close()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer("bait-password") as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        file = tmp_path / "neverdark.db"
        return Place(lambda: SqliteFile(file), None, file)
    server: PostgresServer = request.getfixturevalue("server")
    server.empty()
    return Place(lambda: Postgres(server.url), server, None)


@pytest.fixture
def opened(place: Place) -> Iterator[Open]:
    """Opens stores; those that are not closed are closed at the end."""
    with ExitStack() as stores:

        def make(seconds: float = 20.0, **kwargs: object) -> Store:
            store = Store(place.database(), "1.0", 400, **kwargs)  # type: ignore[arg-type]
            store.open(seconds)
            stores.callback(store.close, 10.0)
            return store

        yield make


def test_what_happens_is_there_once(place: Place, opened: Open) -> None:
    store = opened()
    said = Speaker(store)
    for number in range(1, 4):
        said.life(number)
    said.say(events.OrderGiven("stop", Subject("cam"), "night-shift", "10.0.0.7"))
    assert store.flush(20)
    assert [row["run_id"] for row in rows(place.database(), schema.RUNS)] == ["r1", "r2", "r3"]
    run = rows(place.database(), schema.RUNS)[0]
    assert (run["pid"], run["cause"], run["signal"], run["planned"], run["stream"]) == (101, "killed", 9, False, "cam")
    assert [row["kind"] for row in rows(place.database(), schema.FACTS)] == ["StreamOnAir"] * 3
    order = rows(place.database(), schema.ORDERS)[0]
    assert (order["what"], order["by"], order["address"], order["stream"]) == ("stop", "night-shift", "10.0.0.7", "cam")
    page = page_of(store)
    assert [past.incident.id for past in page.incidents] == ["cam-3", "cam-2", "cam-1"]
    kept = page.incidents[-1]
    cleaned = FINDING._replace(said="häfen \N{REPLACEMENT CHARACTER} ?")
    assert kept == (closed(1, findings=(cleaned,)), None)
    assert store.state == (True, 0, store.state.written, 0)


def test_what_was_made_by_api_is_written_or_refused(place: Place, opened: Open) -> None:
    made = {"cam": {"destinations": {"b": {"key": "x"}, "a": {}}}, "more": {}}
    store = opened()
    assert store.made() == {}
    store.make(made)
    place.take_away()
    with pytest.raises(OutOfReach, match="nothing was changed"):
        store.make({})
    place.give_back()
    assert store.flush(20)
    assert store.made() == made
    store.make({**made, "more": {"enabled": False}, "last": {}})
    store.close(10)
    again = opened().made()
    assert again == {**made, "more": {"enabled": False}, "last": {}}
    assert list(again["cam"]["destinations"]) == ["b", "a"]


def test_a_database_out_of_reach_costs_nothing_and_is_told_once(place: Place, opened: Open) -> None:
    store = opened()
    told: list[events.Payload] = []
    store.tell_by(told.append)
    said = Speaker(store)
    said.life(1)
    said.say(events.IncidentOpened(incident(99), FINDING))
    assert store.flush(20)
    place.take_away()
    said.life(2)
    until(lambda: not store.state.up)
    said.life(3)
    until(lambda: told)
    slowest = 0.0
    for number in range(4, 54):
        began = time.perf_counter()
        said.life(number)
        slowest = max(slowest, time.perf_counter() - began)
    assert slowest < 0.1, "whoever tells does not wait"
    assert store.state.queue > 0
    place.give_back()
    until(lambda: store.state.up and not store.state.queue)
    assert len(rows(place.database(), schema.RUNS)) == 53
    assert len(rows(place.database(), schema.FACTS)) == 53
    (open_still, *others) = page_of(store).incidents
    assert (open_still.incident.id, open_still.incident.closed, open_still.ended_by) == ("cam-99", None, None)
    assert len(others) == 53
    until(lambda: len(told) == 2)
    assert [type(what) for what in told] == [events.StoreTrouble, events.StoreRecovered]
    assert store.state.dropped == 0


def test_what_has_no_room_is_counted_and_told_and_incidents_are_kept_longest(place: Place, opened: Open) -> None:
    store = opened(most=50)
    told: list[events.Payload] = []
    store.tell_by(told.append)
    place.take_away()
    said = Speaker(store)
    for number in range(20):
        said.life(number)
        until(lambda: len(store._writer.inbox) == 0 or store.state.dropped)
    until(lambda: store.state.dropped)
    until(lambda: any(isinstance(what, events.StoreTrouble) and what.dropped for what in told))
    place.give_back()
    until(lambda: store.state.up and not store.state.queue)
    assert len(rows(place.database(), schema.INCIDENTS)) == 20
    missing = 60 - len(rows(place.database(), schema.RUNS)) - len(rows(place.database(), schema.FACTS))
    assert 0 < missing <= 20 * 3
    until(lambda: isinstance(told[-1], events.StoreRecovered))
    recovered = told[-1]
    assert isinstance(recovered, events.StoreRecovered)
    assert recovered.dropped == store.state.dropped
    assert sum(isinstance(what, events.StoreTrouble) for what in told) <= 2


def test_an_operators_word_outlives_neverdark(opened: Open) -> None:
    first = opened()
    assert first.recall() == {}
    later = STOPPED._replace(wanted=True, until=5000.5, enabled=False, ends="at")
    first.keep({"a": STOPPED, "b": STOPPED, "c": later})
    assert first.flush(20)
    first.keep({"a": STOPPED, "c": later})
    assert first.flush(20)
    first.close(10)
    second = opened()
    assert second.recall() == {"a": STOPPED, "c": later}
    second.keep({})
    second.close(10)
    assert opened().recall() == {}


def test_who_starts_while_it_is_out_of_reach_remembers_later(place: Place, opened: Open) -> None:
    before = opened()
    before.keep({"old": STOPPED})
    before.close(10)
    place.take_away()
    told: list[events.Payload] = []
    try:
        store = opened(seconds=0.3) if place.server else None
        if store:
            assert store.recall() == {}, "the configuration counts"
        else:  # SQLite lets others read meanwhile
            store = opened()
            assert store.recall() == {"old": STOPPED}
        store.tell_by(told.append)
        store.keep({"new": STOPPED})
        Speaker(store).life(1)
        until(lambda: not store.state.up)
        assert bool(told) == bool(place.server)
    finally:
        place.give_back()
    until(lambda: store.state.up and not store.state.queue)
    assert store.flush(20)
    assert [row["stream"] for row in rows(place.database(), schema.WANTED)] == ["new"], "what counts now, and no more"
    assert len(rows(place.database(), schema.INCIDENTS)) == 1


CAM, BACKUP, LOBBY = ("cam", "youtube"), ("cam", "backup"), ("lobby", "youtube")


def test_a_destinations_number_is_its_own_for_ever(opened: Open) -> None:
    first = opened()
    first.number([CAM, LOBBY])
    assert first.flush(20)
    assert first.numbers() == {CAM: 1, LOBBY: 2}
    first.number([BACKUP])
    assert first.flush(20)
    first.close(10)
    second = opened()
    assert second.numbers() == {CAM: 1, LOBBY: 2, BACKUP: 3}, "also of those that are not configured now"
    second.number([("new", "youtube"), CAM])
    assert second.flush(20)
    assert second.numbers() == {CAM: 1, LOBBY: 2, BACKUP: 3, ("new", "youtube"): 4}


def test_numbers_are_there_as_soon_as_the_store_is_open(place: Place) -> None:
    store = Store(place.database(), "1.0", 400)
    store.number([CAM])
    store.open(20)
    assert store.numbers() == {CAM: 1}
    store.close(10)


def test_while_the_database_is_out_of_reach_nobody_gets_a_number(place: Place, opened: Open) -> None:
    store = opened()
    store.number([CAM])
    assert store.flush(20)
    place.take_away()
    store.number([BACKUP, CAM])
    until(lambda: not store.state.up)
    assert store.numbers() == {CAM: 1}
    place.give_back()
    until(lambda: BACKUP in store.numbers())
    assert store.numbers() == {CAM: 1, BACKUP: 2}


def test_a_number_that_somebody_has_given_by_hand_is_passed_over(place: Place, opened: Open) -> None:
    database = place.database().open()
    with database.begin():
        database.execute(schema.DESTINATIONS.insert(), [{"id": 1, "stream": "lobby", "name": "youtube"}])
    database.close()
    store = opened()
    store.number([CAM, LOBBY])
    until(lambda: CAM in store.numbers())
    assert store.numbers()[LOBBY] == 1
    assert store.numbers()[CAM] > 1
    until(lambda: store.state.up)


def test_what_has_been_shown_stays_so_in_a_database_that_is_begun_anew(place: Place, opened: Open) -> None:
    store = opened()
    store.number([CAM, BACKUP])
    assert store.flush(20)
    store._writer._disconnect()
    other = place.database().open()
    with other.begin():
        other.execute(schema.DESTINATIONS.delete())
        other.execute(schema.DESTINATIONS.insert(), [{"id": 2, "stream": "lobby", "name": "youtube"}])
    other.close()
    store.number([LOBBY, BACKUP, CAM, ("yard", "youtube")])
    assert store.flush(20)
    numbers = store.numbers()
    assert (numbers[CAM], numbers[BACKUP]) == (1, 2)
    assert LOBBY not in numbers, "its number is another one's in this life"
    assert numbers["yard", "youtube"] > 2
    store.close(10)
    assert opened().numbers()[CAM] == 1


def test_a_watchdog_that_is_stopped_stays_so(place: Place, opened: Open) -> None:
    first = opened()
    assert first.stopped_watchdogs() == {}
    first.keep_stopped_watchdogs({CAM: 1000.5, LOBBY: 2000.0})
    assert first.flush(20)
    first.keep_stopped_watchdogs({CAM: 1000.5})
    first.close(10)
    second = opened()
    assert second.stopped_watchdogs() == {CAM: 1000.5}
    place.take_away()
    second.keep_stopped_watchdogs({})
    until(lambda: not second.state.up)
    second.keep_stopped_watchdogs({BACKUP: 3000.0})
    place.give_back()
    until(lambda: second.state.up)
    assert second.flush(20)
    second.close(10)
    assert opened().stopped_watchdogs() == {BACKUP: 3000.0}


def test_what_a_killed_neverdark_left_open_is_closed_honestly(place: Place, opened: Open) -> None:
    clock = [10_000.0]
    killed = Store(place.database(), "1.0", 400, wall=lambda: clock[0])
    killed.open(20)
    said = Speaker(killed, lambda: clock[0])
    said.say(events.ProcessStarted(KEY, "r1", 7, None), events.IncidentOpened(incident(1), FINDING))
    said.say(events.IncidentOpened(incident(2), FINDING), events.IncidentClosed(closed(2)))
    assert killed.flush(20)
    clock[0] = 10_060.0
    killed.pulse([incident(1, seconds_dark=60.0), closed(2)])
    assert killed.flush(20)
    killed._writer._disconnect()  # as the kernel does it for the dead; nothing more is said

    store = opened()
    assert store.flush(20)
    left, done = (past for past in reversed(page_of(store).incidents))
    assert (left.incident.closed, left.incident.seconds_dark, left.ended_by) == (10_060.0, 60.0, ENDED)
    assert (done.incident.closed, done.ended_by) == (1042.0, None)
    run = rows(place.database(), schema.RUNS)[0]
    assert (run["ended"], run["cause"]) == (10_060.0, ENDED)
    speaker = Speaker(store)
    speaker.say(events.ProcessAdopted(KEY, "r1", 7, 60.0))  # it was taken over
    assert store.flush(20)
    (run,) = rows(place.database(), schema.RUNS)
    assert (run["started"], run["ended"], run["cause"]) == (10_000.0, None, None)
    speaker.say(exited("r1"))
    assert store.flush(20)
    assert rows(place.database(), schema.RUNS)[0]["cause"] == "killed"
    killed._writer._close_by = 0.0
    killed._writer.inbox.hurry()


def test_one_that_has_joined_another_is_there_and_not_listed(place: Place, opened: Open) -> None:
    store = opened()
    said = Speaker(store)
    said.say(events.IncidentOpened(incident(1), FINDING), events.IncidentOpened(incident(2), FINDING))
    said.say(events.FindingEntered(incident(2), FINDING, incident(1)), events.IncidentClosed(closed(2)))
    assert store.flush(20)
    assert [past.incident.id for past in page_of(store).incidents] == ["cam-2"]
    found = store.incident("cam-1")
    assert found
    assert found.incident.id == "cam-2"
    assert store.incident("nobody") is None
    assert len(rows(place.database(), schema.INCIDENTS)) == 2


def test_questions_of_the_past(opened: Open) -> None:
    store = opened()
    said = Speaker(store)
    for number in range(1, 26):
        segment = Segment.UPLINK if number % 10 == 0 else Segment.SOURCE
        other = {"stream": "lobby", "segment": segment} if number % 5 == 0 else {}
        said.say(events.IncidentClosed(closed(number, **other)))
    said.say(events.IncidentOpened(incident(30), FINDING))
    assert store.flush(20)

    def ids(**asked: object) -> list[int]:
        page = page_of(store, **asked)
        return [int(past.incident.id.removeprefix("cam-")) for past in page.incidents]

    assert ids() == [30, *range(25, 0, -1)]
    assert ids(stream="lobby") == [25, 20, 15, 10, 5]
    assert ids(segment="uplink") == [20, 10]
    assert ids(since=1063.0) == [30, 25, 24, 23], "whoever still went on then"
    assert ids(until=1003.0) == [2, 1]
    assert ids(open_only=True) == [30]
    seen: list[int] = []
    after: str | None = None
    while True:
        page = page_of(store, limit=7, after=after)
        seen += [int(past.incident.id.removeprefix("cam-")) for past in page.incidents]
        after = page.next
        if after is None:
            break
    assert seen == [30, *range(25, 0, -1)]
    with pytest.raises(ValueError, match="expected what an answer before gave"):
        page_of(store, after="bm9uc2Vuc2U")


def test_the_old_goes_a_little_at_a_time_and_what_goes_on_stays(place: Place) -> None:
    database = place.database()
    connection = database.open()
    wall, day = 1_000_000_000.0, 86_400.0
    old, young = wall - 401 * day, wall - 399 * day
    records = [
        {
            "boot": "b",
            "number": n,
            "at": old if n < 1200 else young,
            "kind": "k",
            "stream": "",
            "destination": "",
            "body": {},
        }
        for n in range(1210)
    ]
    with connection.begin():
        connection.execute(schema.FACTS.insert(), records)
        for run, ended in (("r-old", old), ("r-young", young), ("r-alive", None)):
            row = {"run_id": run, "boot": "b", "stream": "s", "role": "encoder", "destination": "", "started": old}
            connection.execute(schema.RUNS.insert(), [row | {"ended": ended}])
    turns = 1
    while retention.clear_some(connection, wall, 400):
        turns += 1
    assert turns == 3, "in batches"
    assert len(rows(database, schema.FACTS)) == 10
    assert [row["run_id"] for row in rows(database, schema.RUNS)] == ["r-alive", "r-young"]
    while retention.clear_some(connection, wall, 400, most_rows=4):
        pass
    assert [row["number"] for row in rows(database, schema.FACTS)] == [1206, 1207, 1208, 1209]
    connection.close()


def test_accounts_and_ordered_maintenance_are_there_at_the_next_start(opened: Open) -> None:
    windows = [
        Maintenance("M1", ("cam",), 10.0, 20.5, "neue Häfen \0", "operator", lasting=True),
        Maintenance("M3", None, 15.0, 30.0, None, "operator"),
    ]
    uplinks = {"yt": KnownUplink(2, 10**12, 7, 4711, 5, 1, None)}
    account = Account(1000.5, 3.25, True, False, 90.0, {"source": 8.0}, {"r1": KnownRun(1.5, uplinks)})
    store = opened()
    store.keep_windows(windows)
    store.note_accounts({"cam": account._replace(on_air=True), "other": account})
    store.note_accounts({"cam": account})
    store.close(20)

    second = opened()
    assert second.recall_windows() == [windows[0]._replace(reason="neue Häfen \N{REPLACEMENT CHARACTER}"), windows[1]]
    assert second.recall_accounts() == {"cam": account, "other": account}
    second.keep_windows(windows[1:])
    second.note_accounts({"cam": account._replace(at=2000.0)})
    second.close(20)

    third = opened()
    assert third.recall_windows() == windows[1:]
    assert third.recall_accounts() == {"cam": account._replace(at=2000.0)}, "the others were not there any more"


def test_a_database_of_any_earlier_version_is_brought_here_with_all_that_is_in_it(place: Place) -> None:
    for start in reversed(upgrade.steps()):
        if place.server:
            place.server.empty()
        elif place.file:
            place.file.unlink(missing_ok=True)
        database = place.database()
        connection = database.open()
        _put_back_to(connection, start)
        before = _filled(connection)
        connection.close()
        connection = place.database().open()
        with connection.begin():
            assert upgrade.revision_of(connection) == schema.HEAD
        assert _contents(connection, before) == before, start
        assert before or start == "base"
        connection.close()


def _put_back_to(connection: sa.Connection, step: str) -> None:
    """As a neverdark of that time made it."""
    with connection.begin():
        here = sa.MetaData()
        here.reflect(connection)
        here.drop_all(connection)
        upgrade.upgrade(connection, step)


_Contents = dict[str, tuple[list[str], list[object]]]  # table → its columns then, and the rows


def _filled(connection: sa.Connection) -> _Contents:
    """Put something into every table; returns it."""
    with connection.begin():
        here = sa.MetaData()
        here.reflect(connection)
        for table in here.sorted_tables:
            if table.name == schema.VERSION_TABLE:
                continue
            for number in (1, 2):
                connection.execute(table.insert(), [{c.name: _value(c, number) for c in table.columns}])
    tables = {name: table for name, table in here.tables.items() if name != schema.VERSION_TABLE}
    return _contents(connection, {name: ([c.name for c in table.columns], []) for name, table in tables.items()})


def _value(column: sa.Column[object], number: int) -> object:
    kinds: dict[type, object] = {
        sa.Boolean: number == 1,
        sa.Integer: number,
        sa.Double: number / 2,
        sa.Float: number / 2,
        sa.JSON: {"n": number},
    }
    return next((value for kind, value in kinds.items() if isinstance(column.type, kind)), f"text {number}")


def _contents(connection: sa.Connection, of: _Contents) -> _Contents:
    """What stands in these columns now: a later step may have added some."""
    with connection.begin():
        return {
            name: (columns, sorted(map(tuple, connection.execute(_select(name, columns))), key=str))
            for name, (columns, _) in of.items()
        }


def _select(table: str, columns: Sequence[str]) -> sa.Select[Any]:
    return sa.select(*(sa.column(name) for name in columns)).select_from(sa.table(table))


def test_the_tables_are_what_the_code_says(place: Place) -> None:
    connection = place.database().open()  # a new one gets them at once
    assert _differences(connection) == []
    with connection.begin():
        assert upgrade.revision_of(connection) == schema.HEAD == upgrade.steps()[0]
    _put_back_to(connection, schema.HEAD)  # step by step
    assert _differences(connection) == []
    connection.close()


def _differences(connection: sa.Connection) -> list[object]:
    with connection.begin():
        options = {"version_table": schema.VERSION_TABLE, "compare_type": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), schema.METADATA))


def test_a_newer_database_is_refused_and_left_as_it_is(place: Place) -> None:
    connection = place.database().open()
    with connection.begin():
        connection.exec_driver_sql(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")  # noqa: S608
    connection.close()
    store = Store(place.database(), "1.0", 400)
    with pytest.raises(NewerDatabase, match=r"newer.*9999"):
        store.open(20)
    store.close(10)
    reader = place.database().read()
    with reader, reader.begin():
        assert upgrade.revision_of(reader) == "9999"


def test_what_a_check_says_of_a_server(server: PostgresServer) -> None:
    config = Config.model_validate({"database_url": server.url, "streams": {}})
    server.empty()
    assert look_at_database(config) is None
    store = Store(Postgres(server.url), "1.0", 400)
    store.open(20)
    assert look_at_database(config) is None, "also while a neverdark writes to it"
    store.close(20)
    with Postgres(server.url).read() as connection, connection.begin():
        connection.execute(sa.text("UPDATE neverdark_version SET version_num = '9999'"))
    assert isinstance(look_at_database(config), Problem)
    server.empty()
    with Postgres(server.url).read() as connection, connection.begin():
        connection.execute(sa.text("CREATE TABLE photos (id integer)"))
    assert "something else is in it (table photos)" in str(look_at_database(config))
    server.empty()
    wrong = "postgresql://neverdark:S3CR3T@/postgres?host=/nonexistent"
    found = str(look_at_database(Config.model_validate({"database_url": wrong, "streams": {}})))
    assert found.startswith("database_url: PostgreSQL database ")
    assert "cannot be reached now: " in found
    assert "S3CR3T" not in found


def test_no_two_neverdarks_write_to_one_database(server: PostgresServer) -> None:
    server.empty()
    first, second = (Store(Postgres(server.url), "1.0", 400) for _ in range(2))
    first.open(20)
    first.keep({"a": STOPPED})
    assert first.flush(20)
    told: list[events.Payload] = []
    second.tell_by(told.append)
    second.open(0.5)
    second.keep({})
    assert second.recall() == {}
    assert not second.flush(0.5)
    assert "another neverdark" in str(told[0])
    assert "bait-password" not in str(told[0])
    assert [row["stream"] for row in rows(Postgres(server.url), schema.WANTED)] == ["a"]
    first.close(10)
    until(lambda: second.state.up)
    second.close(10)


def test_one_row_that_cannot_be_written_spoils_no_other(place: Place, opened: Open) -> None:
    store = opened()
    said = Speaker(store)
    said.life(1)
    said.say(events.ProcessStarted(KEY, "r-bad", 2**70, None))
    said.life(2)
    assert store.flush(20)
    assert [row["run_id"] for row in rows(place.database(), schema.RUNS)] == ["r1", "r2"]
    assert store.state.dropped == 1


def test_a_burst_costs_whoever_tells_next_to_nothing(place: Place, opened: Open) -> None:
    store = opened()
    said = Speaker(store)
    began = time.perf_counter()
    for number in range(1000):
        said.life(number)
    took = (time.perf_counter() - began) / 5000
    assert took < 0.0005, "5,000 facts, of which each takes microseconds"
    assert store.flush(30)
    assert len(rows(place.database(), schema.INCIDENTS)) == 1000
    assert store.state.dropped == 0
