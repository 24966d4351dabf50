"""To which incident a notification belongs, and what the same is once more."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.model.notifications import (
    MOST_INCIDENTS,
    MOST_OF_ONE,
    NEAR,
    SAME_WITHIN,
    Notification,
    Told,
    belongs_to,
    is_ours,
)
from tests.store_scenes import closed, incident


def told(**changed: Any) -> Notification:
    """A page about `cam`, from 1100."""
    plain = Notification("n", 1200.0, 1200.0, "page", "StreamOffAir", "page", "firing", "cam", None, "stream", 1100.0)
    return plain._replace(**changed)


LONG = closed(1, opened=1000.0, closed=2000.0)


@pytest.mark.parametrize("starts", [1000.0, 1500.0, 2000.0, 1000.0 - NEAR, 2000.0 + NEAR])
def test_an_alert_that_began_in_or_near_an_incident_of_its_stream_belongs_to_it(starts: float) -> None:
    assert belongs_to(told(starts=starts), [LONG]) == LONG.id


@pytest.mark.parametrize(
    "changed",
    [
        {"starts": 1000.0 - NEAR - 1},
        {"starts": 2000.0 + NEAR + 1},
        {"stream": "other"},
        {"stream": None},
        {"stream": ""},
    ],
)
def test_what_is_far_away_or_of_another_stream_does_not(changed: dict[str, Any]) -> None:
    assert belongs_to(told(**changed), [LONG]) is None


def test_one_that_goes_on_has_no_end() -> None:
    assert belongs_to(told(starts=10.0**9), [incident(1)]) == "cam-1"


def test_the_incident_that_it_names_comes_first_if_there_is_one() -> None:
    other = closed(2, stream="other")
    assert belongs_to(told(incident="cam-2"), [LONG, other]) == "cam-2"
    assert belongs_to(told(incident="nobody knows"), [LONG, other]) == "cam-1"


def test_of_several_it_is_the_nearest_then_its_own_destination_then_what_counts_then_the_latest() -> None:
    near = closed(2, opened=1090.0, closed=1095.0)
    assert belongs_to(told(), [near, LONG]) == LONG.id, "it went on at that moment"
    backup = closed(3, opened=1000.0, closed=2000.0, destination="backup")
    youtube = closed(4, opened=1000.0, closed=2000.0, destination="youtube")
    assert belongs_to(told(destination="youtube"), [LONG, backup, youtube]) == youtube.id
    assert belongs_to(told(destination="youtube"), [LONG, backup]) == LONG.id
    assert belongs_to(told(destination="youtube"), [backup]) is None, "it is about another one"
    assert belongs_to(told(), [backup, LONG, youtube]) == LONG.id
    drill = closed(5, opened=1050.0, closed=2000.0, excused="drill")
    assert belongs_to(told(), [drill, LONG]) == LONG.id
    later = closed(6, opened=1060.0, closed=2000.0)
    assert belongs_to(told(), [LONG, later]) == later.id


def test_both_ends_of_an_alert_belong_to_the_same_incident_though_another_has_begun_since() -> None:
    following = incident(9, opened=2010.0)
    over = told(id="over", status="resolved", at=2100.0, last=2100.0)
    assert belongs_to(over, [LONG, following]) == belongs_to(told(), [LONG, following]) == LONG.id


def test_what_is_about_others_or_a_heartbeat_is_not_ours() -> None:
    assert is_ours(told(), ())
    assert is_ours(told(scope=None), {"cam"})
    assert not is_ours(told(scope=None), {"dog"})
    assert not is_ours(told(scope="cluster", stream=None), {"cam"})
    assert not is_ours(told(severity="heartbeat", scope="monitoring"), {"cam"})
    assert is_ours(told(scope="site", stream=None), ())


def test_the_same_at_once_is_one_and_later_it_is_counted() -> None:
    first = told()
    tried_again = first.again(told(last=1200.0 + SAME_WITHIN))
    assert tried_again == first
    repeated = tried_again.again(told(last=4800.0, at=4800.0))
    assert (repeated.at, repeated.last, repeated.times) == (1200.0, 4800.0, 2)
    assert first.again(told(last=1201.0, incident="cam-1")).incident == "cam-1"


def test_what_is_kept_in_memory_is_bounded() -> None:
    memory = Told()
    memory.hear([told(), told(incident="a"), told(incident="a", last=5000.0), told(id="m", incident="a")])
    assert memory.incidents() == ("a",)
    assert [(one.id, one.times) for one in memory.of("a")] == [("n", 2), ("m", 1)]
    memory.hear(told(id=str(number), incident="a") for number in range(2 * MOST_OF_ONE))
    assert len(memory.of("a")) == MOST_OF_ONE
    memory.hear(told(incident=f"i{number}") for number in range(MOST_INCIDENTS))
    assert len(memory.incidents()) == MOST_INCIDENTS
    assert memory.of("a") == ()
