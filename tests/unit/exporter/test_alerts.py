"""What Alertmanager hands in: real requests, right and wrong ones."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from exporter.api.alerts import MOST
from exporter.connection import LARGEST_ALERTS, LARGEST_BODY
from supervisor.config.tokens import FILE, Scope, TokenFile
from supervisor.model.availability import Availability, StreamTime
from supervisor.model.notifications import Notification
from supervisor.model.snapshot import NotAnswering
from tests.store_scenes import incident
from tests.unit.exporter.conftest import PATIENCE, Client, Serve
from tests.unit.exporter.scenes import three_streams
from tests.unit.exporter.snapshots import NOW, FakeControl

PATH = "/api/alerts"
BIG = "x" * (LARGEST_BODY + 1)
# As Alertmanager sends it.
MESSAGE: dict[str, Any] = {
    "version": "4",
    "groupKey": '{}/{severity="page"}:{stream="harbour-cam"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "page",
    "groupLabels": {"stream": "harbour-cam"},
    "commonLabels": {"alertname": "StreamOffAir", "severity": "page", "scope": "stream", "stream": "harbour-cam"},
    "commonAnnotations": {"summary": "harbour-cam is off air"},
    "externalURL": "http://alertmanager:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "StreamOffAir", "severity": "page", "scope": "stream", "stream": "harbour-cam"},
            "annotations": {"summary": "harbour-cam is off air"},
            "startsAt": "2026-10-14T18:31:08.25Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus:9090/graph",
            "fingerprint": "1a30ba71cca2921f",
        }
    ],
}


@pytest.fixture
def control() -> FakeControl:
    return FakeControl(three_streams())


@pytest.fixture
def served(serve: Serve, control: FakeControl) -> Client:
    return serve(control)


def body(**changed: Any) -> dict[str, Any]:
    return deepcopy(MESSAGE) | changed


def alert(**changed: Any) -> dict[str, Any]:
    plain: dict[str, Any] = body()["alerts"][0]
    return plain | changed


def post(served: Client, content: Any, **headers: str) -> requests.Response:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    head = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(served.url + PATH, data=data, headers=head, timeout=PATIENCE)


def test_a_message_is_taken_with_all_that_it_tells(served: Client, control: FakeControl) -> None:
    answer = post(served, body())
    assert (answer.status_code, answer.json()) == (200, {"noted": 1, "ignored": 0})
    (one,) = control.notified
    assert (one.receiver, one.alert, one.severity, one.status) == ("page", "StreamOffAir", "page", "firing")
    assert (one.stream, one.destination, one.scope, one.incident) == ("harbour-cam", None, "stream", None)
    assert one.starts == datetime(2026, 10, 14, 18, 31, 8, 250_000, UTC).timestamp()
    assert control.orders == [], "it is nobody's order"


def test_the_same_delivery_has_the_same_id_and_any_other_one_has_not(served: Client, control: FakeControl) -> None:
    for changed in (
        body(),
        body(groupKey="another", truncatedAlerts=3, receiver="page"),
        body(receiver="ticket"),
        body(alerts=[alert(status="resolved", endsAt="2026-10-14T18:42:00Z")]),
        body(alerts=[alert(startsAt="2026-10-14T19:31:08.25Z")]),
        body(alerts=[alert(fingerprint="2")]),
        body(alerts=[{name: value for name, value in alert().items() if name != "fingerprint"}]),
    ):
        assert post(served, changed).ok
    first, again, *others = [one.id for one in control.notified]
    assert first == again
    assert len({first, *others}) == 6


@pytest.mark.parametrize("where", ["labels", "annotations"])
@pytest.mark.parametrize("name", ["incident", "incident_id"])
def test_an_incident_may_be_named(served: Client, control: FakeControl, where: str, name: str) -> None:
    one = alert()
    one[where] |= {name: "cam-1"}
    assert post(served, body(alerts=[one])).ok
    assert control.notified[0].incident == "cam-1"


def test_what_alertmanager_really_sends_is_taken_nanoseconds_empty_words_and_all(served: Client) -> None:
    times = {"startsAt": "2018-08-03T09:52:26.739266876+02:00", "endsAt": "0001-01-01T00:00:00Z"}
    odd = alert(labels={"alertname": "Ünicode 😀" * 200, "stream": ""}, annotations={}, **times)
    assert post(served, body(alerts=[odd, *body()["alerts"]])).ok
    assert post(served, body(alerts=[])).json() == {"noted": 0, "ignored": 0}


@pytest.mark.parametrize(
    ("content", "status", "word"),
    [
        (b"", 422, "body"),
        (b"no json", 400, "the body is no JSON"),
        (b'{"version": "4"', 400, "the body is no JSON"),
        (b"[" * 5000, 400, ""),
        (b"[]", 422, "body"),
        (b"null", 422, "body"),
        (body(version="3"), 422, "version"),
        (body(version="5"), 422, "version"),
        (body(version=4), 422, "version"),
        ({name: value for name, value in body().items() if name != "version"}, 422, "version"),
        ({name: value for name, value in body().items() if name != "receiver"}, 422, "receiver"),
        ({name: value for name, value in body().items() if name != "alerts"}, 422, "alerts"),
        (body(alerts={}), 422, "alerts"),
        (body(alerts=["x"]), 422, "0"),
        (body(alerts=[alert(status="pending")]), 422, "status"),
        (body(alerts=[alert(startsAt="yesterday")]), 422, "startsAt"),
        (body(alerts=[alert(startsAt="2026-10-14T18:31:08")]), 422, "startsAt"),
        (body(alerts=[alert(labels={"stream": 7})]), 422, "stream"),
        (body(alerts=[alert(labels=None)]), 422, "labels"),
        (body(alerts=[alert()] * (MOST + 1)), 422, "alerts"),
        (body(receiver="r" * 201), 422, "receiver"),
        (body(receiver=""), 422, "receiver"),
        ({"text": "of some other program"}, 422, "version"),
        (body(alerts=[alert(annotations={"a": "x" * LARGEST_ALERTS})]), 413, "larger than"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_such_message_is_refused_and_nothing_of_it_kept(
    served: Client, control: FakeControl, content: Any, status: int, word: str
) -> None:
    answer = post(served, content)
    assert answer.status_code == status, answer.text
    assert word in answer.json()["detail"]
    assert control.notified == []


def test_it_may_be_longer_than_an_order_and_nothing_else_may(served: Client) -> None:
    assert post(served, body(alerts=[alert(annotations={"description": BIG})])).ok
    for path in ("/api/streams/a/stop", "/api/alertsandmore"):
        assert requests.post(served.url + path, data=BIG, timeout=PATIENCE).status_code == 413


def test_an_engine_that_hangs_has_alertmanager_try_again(served: Client, control: FakeControl) -> None:
    control.failure = NotAnswering("stuck")
    assert post(served, body()).status_code == 503


def test_a_token_of_its_own_opens_this_and_nothing_else(serve: Serve, control: FakeControl, tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / FILE)
    text = {scope: tokens.create(str(scope) + "er", scope, datetime.now(UTC)) for scope in Scope}
    served = serve(control, tokens=tokens)
    assert post(served, body()).status_code == 401
    for scope, expected in ((Scope.READ, 403), (Scope.ALERTS, 200), (Scope.CONTROL, 200)):
        assert post(served, body(), Authorization=f"Bearer {text[scope]}").status_code == expected, scope
    bearer = f"Bearer {text[Scope.ALERTS]}"
    for method, path in (
        *(("POST", "/api/streams/harbour-cam/stop"), ("POST", "/api/config/reload"), ("DELETE", PATH)),
        *(("POST", f"{PATH}/x"), ("GET", "/api/token")),
    ):
        answer = served.ask(method, path, Authorization=bearer)
        assert answer.status_code == (405 if method == "DELETE" else 403), path
    for path in ("/api/streams", PATH + "?since=2026-01-01T00:00:00Z"):
        assert served.ask("GET", path, Host="cams.example", Authorization=bearer).status_code == 403
    assert control.requests == []


# --- what it shows ---------------------------------------------------------------------------------


def told(**changed: Any) -> Notification:
    plain = Notification(
        "n", NOW, NOW + 60, "page", "StreamOffAir", "page", "firing", "cam", None, "stream", NOW, "i", 2
    )
    return plain._replace(**changed)


SHOWN = {
    "at": "2026-01-01T00:00:00.250Z",
    "last": "2026-01-01T00:01:00.250Z",
    "receiver": "page",
    "alert": "StreamOffAir",
    "severity": "page",
    "status": "firing",
    "times": 2,
}


def test_an_incident_tells_who_was_told(serve: Serve) -> None:
    client = serve(FakeControl(three_streams(), incidents=(incident(1, findings=(), notifications=(told(),)),)))
    for path in ("/api/incidents", "/api/incidents?since=2026-01-01T00:00:00Z", "/api/incidents/cam-1"):
        shown = client.get(path).json()
        one = shown["incidents"][0] if "incidents" in shown else shown
        assert one["notifications"] == [SHOWN]


def test_all_that_was_told_can_be_asked_for(served: Client, control: FakeControl) -> None:
    control.notified = [told(), told(stream=None, incident=None)]
    shown = served.get(f"{PATH}?since=2026-01-01T00:00:00Z").json()
    assert shown["complete"]
    assert shown["notifications"][0] == {**SHOWN, "stream": "cam", "destination": None, "incident": "i"}
    assert len(shown["notifications"]) == 2
    assert served.get(PATH).status_code == 422


def test_availability_adds_up_and_says_what_it_does_not_know(served: Client, control: FakeControl) -> None:
    times = (StreamTime("a", 900.0, {"uplink": 60.0}, 40.0, 5.0, 6.0, 0.99), StreamTime("b", not_wanted=9.0))
    control.times = Availability(NOW - 3600, NOW, NOW - 1800, 7.0, times)
    shown = served.get("/api/availability?since=2025-12-31T23:00:00Z&stream=a").json()
    assert control.asked_times == [(NOW - 3600.25, None, "a")]
    first, second = shown["streams"]
    assert first == {
        "stream": "a",
        "objective": 0.99,
        "availability": 0.9,
        "at_most": 0.94,
        "wanted_seconds": 1000.0,
        "on_air_seconds": 900.0,
        "on_fallback_seconds": 0.0,
        "off_air_seconds": {"uplink": 60.0},
        "unknown_seconds": 40.0,
        "excused_seconds": 5.0,
        "not_wanted_seconds": 6.0,
    }
    assert second["availability"] is None
    assert shown["total"] | {"stream": "a", "objective": 0.99, "not_wanted_seconds": 6.0} == first
    assert (shown["remembered_from"], shown["away_seconds"]) == ("2025-12-31T23:30:00.250Z", 7.0)
    wrong = served.get("/api/availability?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z")
    assert (wrong.status_code, wrong.json()["detail"]) == (422, "until: expected a time after since")
