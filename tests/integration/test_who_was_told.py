"""Who was told of what, and time on air, over both databases: nothing lost and nothing twice."""

from __future__ import annotations

from supervisor.model import events
from supervisor.model.availability import AirHour, StreamTime
from supervisor.model.notifications import Notification
from supervisor.model.remembered import PastIncident
from supervisor.store import schema
from supervisor.store.store import Store
from tests.integration.test_store import Open, Place, opened, place, server
from tests.store_scenes import FINDING, Speaker, closed, incident, page_of, rows, until

__all__ = ["opened", "place", "server"]  # fixtures
PAGE = Notification(
    "n1", 1100.0, 1100.0, "page", "StreamOffAir", "page", "firing", "cam", None, "stream", 1050.0, "cam-1"
)
OVER = PAGE._replace(id="n2", at=1400.0, last=1400.0, status="resolved")


def again(at: float) -> Notification:
    """The same page, told once more then."""
    return PAGE._replace(at=at, last=at)


def told_of(store: Store, identity: str) -> tuple[Notification, ...]:
    past = store.incident(identity)
    assert isinstance(past, PastIncident)
    return past.incident.notifications


def test_what_is_told_again_is_counted_and_what_is_tried_again_is_not(opened: Open) -> None:
    first = opened()
    Speaker(first).say(events.IncidentOpened(incident(1), FINDING), events.IncidentClosed(closed(1)))
    first.told([PAGE, again(1101.0)])
    first.told([again(1129.0), OVER])
    assert first.flush(20)
    assert told_of(first, "cam-1") == (PAGE, OVER)
    first.told([again(4700.0)])
    assert first.close(20) == 0
    second = opened()  # the count goes on
    second.told(
        [again(4701.0), again(8300.0), PAGE._replace(id="n3", incident=None, stream=None, at=9000.0, last=9000.0)]
    )
    assert second.flush(20)
    assert told_of(second, "cam-1") == (PAGE._replace(last=8300.0, times=3), OVER)
    (page,) = page_of(second).incidents
    assert page.incident.notifications == told_of(second, "cam-1")
    listed = second.notifications(0.0, None, 10)
    assert listed is not None
    assert [one.id for one in listed] == ["n3", "n2", "n1"], "also what is about no incident"
    assert [one.id for one in second.notifications(1300.0, 9000.0, 1) or ()] == ["n2"]


def test_what_comes_while_the_database_is_away_is_there_once_afterwards(place: Place, opened: Open) -> None:
    store = opened()
    store.told([PAGE])
    store.pulse([], [AirHour("cam", 3600.0, "on_air", 60.0)])
    assert store.flush(20)
    place.take_away()
    store.told([again(4700.0)])
    store.told([again(4705.0), again(8300.0)])
    for minute in range(2, 30):
        store.pulse([], [AirHour("cam", 3600.0, "on_air", 60.0 * minute)])
    until(lambda: not store.state.up)
    assert store.notifications(0.0, None, 10) is None or place.file, "SQLite is only locked for who writes"
    place.give_back()
    until(lambda: store.state.up and not store.state.queue)
    (row,) = rows(place.database(), schema.NOTIFICATIONS)
    assert (row["times"], row["at"], row["last"]) == (3, 1100.0, 8300.0)
    (air,) = rows(place.database(), schema.AIRTIME)
    assert air["seconds"] == 60.0 * 29
    assert store.state.dropped == 0


def test_an_incident_tells_also_of_what_goes_on_as_a_part_of_it(opened: Open) -> None:
    store = opened()
    said = Speaker(store)
    said.say(events.IncidentOpened(incident(1), FINDING), events.IncidentOpened(incident(2), FINDING))
    store.told([PAGE, PAGE._replace(id="n4", at=1200.0, last=1200.0, incident="cam-2")])
    assert store.flush(20)
    said.say(events.FindingEntered(incident(2), FINDING, incident(1)), events.IncidentOpened(incident(3), FINDING))
    said.say(events.FindingEntered(incident(3), FINDING, incident(2)))
    assert store.flush(20)
    assert [one.id for one in told_of(store, "cam-3")] == ["n1", "n4"]
    (page,) = page_of(store).incidents
    assert [one.id for one in page.incident.notifications] == ["n1", "n4"]


def test_hours_of_several_lives_add_up_and_a_row_may_be_written_twice(opened: Open) -> None:
    first = opened()
    for _ in range(2):
        first.pulse([], [AirHour("cam", 3600.0, "on_air", 100.0), AirHour("cam", 3600.0, "uplink", 5.0)])
        assert first.flush(20)
    first.pulse([], [AirHour("cam", 7200.0, "on_air", 3600.0), AirHour("dog", 7200.0, "not_wanted", 3600.0)])
    assert first.close(20) == 0
    second = opened()
    second.pulse([], [AirHour("cam", 3600.0, "on_air", 10.0), AirHour("cam", 3600.0, "neverdark", 20.0)])
    assert second.flush(20)
    found = second.availability(3600.0, 7200.0)
    assert found is not None
    assert found.streams == (StreamTime("cam", 110.0, {"uplink": 5.0}, 20.0),)
    assert found.remembered == 3600.0
    both = second.availability(0.0, 10_000.0)
    assert both is not None
    assert [(one.stream, one.on_air, one.not_wanted) for one in both.streams] == [
        ("cam", 3710.0, 0.0),
        ("dog", 0.0, 3600.0),
    ]
    only = second.availability(0.0, 10_000.0, "dog")
    assert only is not None
    assert [one.stream for one in only.streams] == ["dog"]
    nothing = second.availability(7201.0, 7300.0)
    assert nothing is not None
    assert nothing.streams == ()
