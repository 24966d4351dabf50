"""Incidents, the watchdog's status and drills, as their clients see them."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from exporter.api import models, policies, shapes
from supervisor.model.incidents import Finding
from supervisor.model.policies import Policies, RestartPolicy, WatchdogPolicy
from supervisor.model.remembered import Question
from supervisor.model.snapshot import NotAnswering, Refused
from supervisor.model.terms import ExitCause, Layer, Segment, Verdict
from tests.unit.exporter.conftest import Client, Serve
from tests.unit.exporter.scenes import incident, their_incidents, three_streams
from tests.unit.exporter.snapshots import (
    NOW,
    FakeControl,
    command,
    destination,
    encoder,
    observed_command,
    snapshot,
    stream,
    watchdog,
)


@pytest.fixture
def control() -> FakeControl:
    return FakeControl(three_streams(), Path("/nonexistent"), their_incidents())


@pytest.fixture
def client(serve: Serve, control: FakeControl) -> Client:
    return serve(control)


# --- incidents -------------------------------------------------------------------------------------


def test_incidents_have_the_shape_that_is_documented_and_come_newest_first(client: Client) -> None:
    for path, count in (("/api/incidents", 8), ("/api/streams/harbour-cam/incidents", 6)):
        shown = client.get(path).json()
        models.IncidentList.model_validate(shown)
        opened = [incident["opened"] for incident in shown["incidents"]]
        assert len(opened) == count
        assert opened == sorted(opened, reverse=True)


def test_the_past_is_asked_page_by_page(client: Client, control: FakeControl) -> None:
    asked = "since=2025-12-31T23:00:00Z&until=2026-01-01T01:00:00%2B01:00&stream=harbour-cam&segment=uplink&limit=7"
    shown = client.get(f"/api/incidents?{asked}&after=cursor").json()
    models.IncidentPage.model_validate(shown)
    assert (shown["next"], shown["complete"]) == ("more", True)
    assert shown["incidents"]
    assert {(one["stream"], one["segment"], one["ended_by"]) for one in shown["incidents"]} == {
        ("harbour-cam", "uplink", None)
    }
    assert control.questions == [
        Question(1767222000.0, 1767225600.0, "harbour-cam", Segment.UPLINK, "cursor", 7, open_only=False)
    ]
    client.get("/api/incidents?limit=5&open=true")
    assert len(control.questions) == 1, "what goes on is known without"


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("since=yesterday", "since"),
        ("since=2025-12-31T23:00:00", "since"),
        ("segment=studio", "segment"),
        ("after=nonsense", "after"),
        ("limit=0", "limit"),
        ("limit=1001&stream=a", "limit"),
    ],
)
def test_a_question_that_is_none_names_what_is_wrong(client: Client, asked: str, named: str) -> None:
    refused = client.get(f"/api/incidents?{asked}")
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith(f"{named}: ")


def test_an_incident_tells_all_that_its_clients_rely_on(client: Client) -> None:
    dark, uplink, *_ = client.get("/api/incidents").json()["incidents"]
    assert dark == {
        "id": "garden-cam-0",
        "stream": "garden-cam",
        "destination": None,
        "subject": {"stream": "garden-cam", "destination": None, "role": "encoder"},
        "opened": "2025-12-31T23:57:38.250Z",
        "closed": None,
        "cause": "source_refused",
        "said": None,
        "segment": "source",
        "layer": "process",
        "drill": False,
        "excused": None,
        "seconds_dark": 142.0,
        "detection_seconds": 0.02,
        "recovery_seconds": None,
        "findings": dark["findings"],
        "actions": dark["actions"],
        "notifications": [],
        "thumbnail": False,
    }
    assert dark["actions"][-2:] == [
        {"at": "2025-12-31T23:57:54.250Z", "layer": "process", "action": "restart_encoder", "result": "failed"},
        {"at": "2025-12-31T23:59:28.250Z", "layer": "watchdog", "action": "restart_all", "result": None},
    ]
    assert (uplink["destination"], uplink["cause"], uplink["closed"]) == (
        "backup",
        "uplink_blocked",
        "2025-12-31T23:00:33.450Z",
    )
    assert uplink["subject"] == {"stream": "harbour-cam", "destination": "backup", "role": "pusher"}


def test_an_incident_tells_what_followed_from_its_root(client: Client) -> None:
    *_, source = client.get("/api/incidents").json()["incidents"]
    assert (source["cause"], source["segment"]) == ("source_unreachable", "source")
    assert [(one["cause"], one["consequence"]) for one in source["findings"]] == [
        ("source_unreachable", False),
        ("ingest_closed", True),
    ]
    assert source["findings"][1] == {
        "at": "2025-12-31T15:01:02.250Z",
        "cause": "ingest_closed",
        "segment": "platform",
        "role": "pusher",
        "destination": "youtube",
        "layer": "process",
        "times": 2,
        "consequence": True,
        "said": None,
    }


def test_a_stream_shows_its_own_incidents_only(client: Client) -> None:
    shown = client.get("/api/streams/garden-cam/incidents").json()["incidents"]
    assert [incident["id"] for incident in shown] == ["garden-cam-0", "garden-cam-9"]
    assert client.get("/api/streams/test-card/incidents").json() == {"incidents": []}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?limit=1", ["garden-cam-0"]),
        ("?limit=1000&open=true", ["garden-cam-0"]),
        ("?open=true&limit=1", ["garden-cam-0"]),
        ("?limit=2&open=false", ["garden-cam-0", "harbour-cam-1"]),
    ],
)
def test_fewer_incidents_for_who_asks_for_fewer(client: Client, query: str, expected: list[str]) -> None:
    shown = client.get(f"/api/incidents{query}").json()["incidents"]
    assert [incident["id"] for incident in shown] == expected


def test_all_incidents_unless_fewer_are_asked_for(client: Client, control: FakeControl) -> None:
    control.past = their_incidents() * 200
    assert len(client.get("/api/incidents").json()["incidents"]) == 1000
    assert len(client.get("/api/incidents?limit=100").json()["incidents"]) == 100


def test_one_incident_is_what_the_list_has_of_it(client: Client) -> None:
    listed = client.get("/api/incidents").json()["incidents"]
    for one in listed:
        answer = client.get(f"/api/incidents/{one['id']}")
        models.IncidentReport.model_validate(answer.json())
        assert (answer.status_code, answer.json()) == (200, one)
    assert {one["closed"] is None for one in listed} == {True, False}


def test_one_incident_is_documented_with_its_errors(client: Client) -> None:
    documented = client.get("/openapi.json").json()["paths"]["/api/incidents/{id}"]["get"]
    shapes_of = {
        code: known["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for code, known in documented["responses"].items()
        if "content" in known
    }
    assert shapes_of["200"] == "IncidentReport"
    errors = {code: documented["responses"][code]["$ref"].rpartition("/")[2] for code in ("404", "503")}
    assert errors == {"404": "NotFound", "503": "NotAnswering"}


def test_an_incident_that_no_process_has_part_in_has_no_role(serve: Serve) -> None:
    finding = Finding(NOW, ExitCause.DISK_FULL, Segment.NEVERDARK, None, None, Layer.WATCHDOG)
    blank = incident(0, "", cause=ExitCause.DISK_FULL, segment=Segment.NEVERDARK)
    ours = blank._replace(role=None, findings=(finding,))
    client = serve(FakeControl(three_streams(), None, (ours,)))
    shown = client.get(f"/api/incidents/{ours.id}").json()
    models.IncidentReport.model_validate(shown)
    assert shown["subject"] == {"stream": "", "destination": None, "role": None}
    assert (shown["findings"][0]["role"], shown["findings"][0]["segment"]) == (None, "neverdark")


# --- the watchdog ----------------------------------------------------------------------------------


def test_the_watchdogs_status_has_the_shape_that_is_documented(client: Client) -> None:
    shown = client.get("/api/watchdog/status").json()
    models.WatchdogStatus.model_validate(shown)
    assert list(shown["watchdogs"]) == ["harbour-cam:youtube", "harbour-cam:backup", "garden-cam:youtube"]
    assert shown["watchdog_count"] == 3
    assert shown["watchdogs"]["garden-cam:youtube"] == {
        "destination_id": 3,
        "running": True,
        "stopped_since": None,
        "consecutive_unhealthy": 4,
        "last_healthy_time": "2025-12-31T23:57:30.250Z",
        "last_recovery_time": "2025-12-31T23:59:28.250Z",
        "recovery_count": 1,
        "check_interval": 30,
        "verdict": "unhealthy",
        "verdicts": {
            "process": "unhealthy",
            "progress": "unhealthy",
            "uplink": "unknown",
            "network": "healthy",
            "source": "unhealthy",
        },
        "last_check_time": "2025-12-31T23:59:48.250Z",
    }


def test_a_watchdog_that_never_ran_says_so(serve: Serve) -> None:
    never = watchdog(running=False, verdict=Verdict.UNKNOWN, verdicts={}, last_check=None, last_healthy=None)
    place = destination("x", watchdog=never._replace(interval=0.5))
    unwatched = destination("y", watchdog=None)
    client = serve(FakeControl(snapshot(stream("a", encoder("a"), destinations=(place, unwatched)), command("b"))))
    (shown,) = client.get("/api/watchdog/status").json()["watchdogs"].values()
    assert (shown["running"], shown["verdict"], shown["verdicts"], shown["check_interval"]) == (
        False,
        "unknown",
        {},
        0.5,
    )
    assert {shown[key] for key in ("last_check_time", "last_healthy_time", "last_recovery_time")} == {None}


def test_whole_seconds_are_told_without_a_fraction(client: Client) -> None:
    assert '"check_interval":30}' in client.get("/api/watchdog/status").text


# --- drills ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("seconds=60", (60.0, None, None)),
        ("seconds=0", (0.0, None, None)),
        ("seconds=3600&fault=source", (3600.0, "source", None)),
        ("seconds=12.5&fault=uplink&destination=backup", (12.5, "uplink", "backup")),
        ("seconds=1&destination=", (1.0, None, None)),
    ],
)
def test_a_drill_is_handed_over(
    client: Client, control: FakeControl, query: str, expected: tuple[float, str | None, str | None]
) -> None:
    answer = client.post(f"/api/streams/harbour-cam/drill?{query}")
    assert (answer.status_code, answer.json()) == (202, {"stream": "harbour-cam", "accepted": "drill"})
    models.Accepted.model_validate(answer.json())
    assert control.drills == [("harbour-cam", *expected)]


@pytest.mark.parametrize(
    "query",
    ["", "seconds=-1", "seconds=3601", "seconds=nan", "seconds=inf", "seconds=soon", "seconds=1&fault=everything"],
)
def test_a_drill_that_makes_no_sense_is_not_handed_over(client: Client, control: FakeControl, query: str) -> None:
    answer = client.post(f"/api/streams/harbour-cam/drill?{query}")
    assert (answer.status_code, list(answer.json())) == (422, ["detail"])
    assert control.drills == []


def test_a_drill_that_is_refused_says_why(client: Client, control: FakeControl) -> None:
    control.refusal = Refused("destination: expected one of youtube, backup")
    answer = client.post("/api/streams/harbour-cam/drill?seconds=5&fault=uplink")
    assert (answer.status_code, answer.json()) == (409, {"detail": "destination: expected one of youtube, backup"})


def test_drills_are_guarded_like_every_order(serve: Serve, control: FakeControl) -> None:
    path = "/api/streams/harbour-cam/drill?seconds=5"
    open_to_us = serve(control)
    assert open_to_us.post(path, Origin="https://evil.example").status_code == 403
    assert open_to_us.post(path, Host="evil.example").status_code == 403
    guarded = serve(control, token="correct horse")
    for asked in (path, "/api/streams/harbour-cam/drill?seconds=never", "/api/streams/nothing/drill?seconds=5"):
        answer = guarded.post(asked)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert control.drills == []
    assert guarded.post(path, Authorization="Bearer correct horse").status_code == 202
    assert len(control.drills) == 1
    for reading in (
        "/api/incidents",
        "/api/incidents/garden-cam-0",
        "/api/streams/harbour-cam/incidents",
        "/api/watchdog/status",
    ):
        assert guarded.get(reading).status_code == 200


# --- what cannot be answered -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/streams/nothing/incidents", 404),
        ("GET", "/api/incidents/nothing", 404),
        ("GET", "/api/incidents/..%2F..%2Fetc", 404),
        ("GET", "/api/incidents/a/b", 404),
        ("POST", "/api/incidents/garden-cam-0", 405),
        ("GET", "/api/incidents?limit=0", 422),
        ("GET", "/api/incidents?limit=1001", 422),
        ("GET", "/api/incidents?open=perhaps", 422),
        ("POST", "/api/streams/nothing/drill?seconds=5", 404),
        ("GET", "/api/streams/harbour-cam/drill?seconds=5", 405),
        ("POST", "/api/incidents", 405),
    ],
)
def test_errors_are_json_with_a_detail(client: Client, method: str, path: str, status: int) -> None:
    answer = client.ask(method, path)
    assert (answer.status_code, list(answer.json())) == (status, ["detail"])


@pytest.mark.parametrize(
    "path", ["/api/incidents", "/api/incidents/x", "/api/streams/test-card/incidents", "/api/watchdog/status"]
)
def test_an_engine_that_does_not_answer_is_503(client: Client, control: FakeControl, path: str) -> None:
    control.failure = NotAnswering("the loop is stuck")
    assert client.get(path).status_code == 503


# --- what streams tell of it -----------------------------------------------------------------------


def test_a_stream_tells_of_drills_maintenance_and_since_when_it_is_dark(client: Client) -> None:
    shown = {one["stream"]: one for one in client.get("/api/streams").json()["streams"]}
    told = {name: (one["drills"], one["maintenance"], one["off_air_since"]) for name, one in shown.items()}
    assert told == {
        "harbour-cam": (False, False, None),
        "garden-cam": (False, False, "2025-12-31T23:57:38.250Z"),
        "test-card": (True, True, None),
    }


def test_a_destination_tells_of_its_connection_and_its_watchdog(serve: Serve) -> None:
    shown = serve(FakeControl(snapshot(observed_command("a")))).get("/api/streams/a").json()
    models.Stream.model_validate(shown)
    (place,) = shown["destinations"]
    assert place["uplink"]["acked_bytes"] == 2_080_900_000
    assert place["uplink"]["connected_since"] == "2025-12-31T23:00:01.250Z"
    assert place["watchdog"] == {
        "running": True,
        "stopped_since": None,
        "verdict": "degraded",
        "verdicts": {"process": "healthy", "uplink": "healthy", "network": "degraded"},
        "consecutive_unhealthy": 0,
    }


def test_what_nobody_watches_has_no_watchdog(serve: Serve) -> None:
    bare = destination("x", uplink=None, dropped_datagrams=None, link=None, watchdog=None)
    shown = serve(FakeControl(snapshot(stream("a", encoder("a"), destinations=(bare,))))).get("/api/streams/a").json()
    models.Stream.model_validate(shown)
    assert (shown["destinations"][0]["uplink"], shown["destinations"][0]["watchdog"]) == (None, None)


def test_a_process_tells_its_policies_as_plain_numbers(serve: Serve) -> None:
    own = Policies(restart=RestartPolicy(initial_delay=0.25, attempts=3), watchdog=WatchdogPolicy(enabled=False))
    shown = serve(FakeControl(snapshot(stream("a", encoder("a", policies=own))))).get("/api/streams/a").json()
    assert shown["processes"][0]["policies"] == {
        "restart": {
            "initial_delay": 0.25,
            "factor": 2,
            "max_delay": 10,
            "jitter": 0.1,
            "attempts": 3,
            "reset_after": 60,
            "cooldown": 300,
        },
        "stall": {"startup": 30, "timeout": 10},
        "uplink": {"interval": 1, "timeout": 5},
        "watchdog": {"enabled": False, "interval": 30, "failures": 3, "cooldown": 120},
    }


def test_policies_that_are_gone_leave_nothing_behind() -> None:
    before = len(policies._shown)
    for attempts in range(50):
        own = Policies(restart=RestartPolicy(attempts=attempts))
        first = shapes.show_stream(stream("a", encoder("a", policies=own)))
        again = shapes.show_stream(stream("b", encoder("b", policies=own)))
        assert first["processes"][0]["policies"] is again["processes"][0]["policies"], "made once"
        assert first["processes"][0]["policies"]["restart"]["attempts"] == attempts
    del own
    gc.collect()
    assert len(policies._shown) <= before
