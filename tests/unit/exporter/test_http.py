"""The server as its clients see it: real requests to a real port."""

from __future__ import annotations

import errno
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.api import models
from exporter.http import HttpServer
from supervisor.model.events import ConfigRejected, ConfigReloaded
from supervisor.model.quantities import Address
from supervisor.model.snapshot import NotAnswering, Snapshot
from supervisor.model.terms import ProcessKey, Role
from tests.unit.exporter.conftest import PATIENCE, Serve
from tests.unit.exporter.scenes import three_streams
from tests.unit.exporter.slow_reading import LIVE, samples
from tests.unit.exporter.snapshots import NOW, FakeControl, command, encoder, pusher, snapshot, stream
from tests.unit.exporter.test_collector import PROMTOOL_CLEAN, promtool, read

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class StuckControl(FakeControl):
    """An engine whose loop hangs: nothing that needs it ever comes back, until the test lets go."""

    def __init__(self) -> None:
        super().__init__(snapshot())
        self.let_go = threading.Event()
        self.late_parts = {"loop": 12.3}

    def snapshot(self) -> Snapshot:
        self.let_go.wait(60)
        return self.now


# --- health ----------------------------------------------------------------------------------------


def test_healthz(serve: Serve) -> None:
    control = FakeControl(three_streams())
    client = serve(control)
    fine = client.get("/healthz")
    assert (fine.status_code, fine.json()) == (200, {"status": "ok"})
    control.late_parts = {"loop": 12.3}
    late = client.get("/healthz")
    assert (late.status_code, late.json()) == (503, {"status": "failing", "late": {"loop": 12.3}})


def test_healthz_answers_while_every_other_question_hangs(serve: Serve) -> None:
    control = StuckControl()
    client = serve(control)
    hanging = []
    try:
        for _ in range(60):  # more than there are worker threads
            connection = socket.create_connection(client.address)
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            hanging.append(connection)
        assert client.get("/healthz").json() == {"status": "failing", "late": {"loop": 12.3}}
        began = time.monotonic()
        client.server.stop()
        assert time.monotonic() - began < PATIENCE
    finally:
        control.let_go.set()
        for connection in hanging:
            connection.close()


def test_readyz_asks_only_for_wanted_streams(serve: Serve) -> None:
    control = FakeControl(three_streams())
    client = serve(control)
    dark = client.get("/readyz")
    assert dark.status_code == 503
    assert dark.json()["status"] == "not ready"
    assert dark.json()["streams"]["garden-cam"] == {
        "wanted": True,
        "on_air": False,
        "verified": True,
        "reason": "the encoder ended: source_refused",
    }
    models.Ready.model_validate(dark.json())
    control.now = snapshot(command("a"), stream("b", encoder("b"), wanted=False, on_air=False))
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


# --- metrics ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [("*/*", "text/plain; version=0.0.4; charset=utf-8"), (OPENMETRICS, f"{OPENMETRICS}; charset=utf-8")],
)
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_metrics_in_the_form_that_was_asked_for(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, accept: str, content_type: str, encoding: str
) -> None:
    monkeypatch.setenv("NEVERDARK_REVISION", "abc")
    shown = three_streams()
    answer = serve(FakeControl(shown)).get("/metrics", Accept=accept, Accept_Encoding=encoding)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == content_type
    assert answer.headers.get("content-encoding", "identity") == encoding
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    found = read(answer.text, openmetrics=accept == OPENMETRICS)
    ours = {sample for sample in found if sample[0].startswith("livestream_")}
    assert {sample for sample in ours if sample[0] not in LIVE} == samples(shown, "1.2.3", "abc")
    assert "process_resident_memory_bytes" in {name for name, _, _ in found - ours}


def test_promtool_finds_nothing_to_say_of_a_scrape(serve: Serve) -> None:
    assert promtool(serve(FakeControl(three_streams())).get("/metrics").text) == PROMTOOL_CLEAN


def test_many_scrapes_at_once(serve: Serve) -> None:
    client = serve(FakeControl(snapshot(*(command(f"s{index}") for index in range(20)))))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.get("/metrics"), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert {len(read(answer.text, openmetrics=False)) for answer in answers} == {20 * 86 + 225 + 41 + 6}


def test_a_client_that_does_not_read_holds_up_nobody(serve: Serve) -> None:
    client = serve(FakeControl(snapshot(*(command(f"s{index}") for index in range(400)))))
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(client.address)
        lazy.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        with socket.create_connection(client.address) as slow:
            slow.sendall(b"GET /metr")  # and never the rest
            for _ in range(3):
                assert client.get("/metrics").status_code == 200
            assert client.get("/healthz").status_code == 200
            began = time.monotonic()
            client.server.stop()
            assert time.monotonic() - began < PATIENCE


# --- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/web/../http.py", 404),
        ("GET", "/web/%2e%2e%2fhttp.py", 404),
        ("GET", "/web/index.html", 404),
        ("GET", "/api/streams/nothing", 404),
        ("GET", "/api/streams/nothing/logs", 404),
        ("POST", "/api/streams/nothing/stop", 404),
        ("PUT", "/healthz", 405),
        ("GET", "/api/streams/test-card/stop", 405),
        ("GET", "/api/streams/test-card/logs?lines=many", 422),
        ("GET", "/api/streams/test-card/logs?lines=0", 422),
        ("GET", "/api/streams/test-card/logs?role=../../etc", 422),
    ],
)
def test_errors_are_json_with_a_detail(serve: Serve, method: str, path: str, status: int) -> None:
    answer = serve(FakeControl(three_streams())).ask(method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["detail"]
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/api/streams", "/api/streams/a"])
def test_an_engine_that_does_not_answer_is_503(serve: Serve, path: str) -> None:
    control = FakeControl(snapshot(command("a")))
    control.failure = NotAnswering("the loop is stuck")
    answer = serve(control).get(path)
    assert answer.status_code == 503
    assert answer.json() == {"detail": "neverdark's engine does not answer"}


def test_a_mistake_of_ours_shows_no_traceback(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    control = FakeControl(snapshot())
    control.failure = RuntimeError("rtmp://host/app/SECRET")
    answer = serve(control).get("/metrics")
    assert answer.status_code == 500
    assert list(answer.json()) == ["detail"]
    said = "".join(capfd.readouterr())
    assert "RuntimeError" in said
    for shown in (answer.text, said):
        assert "SECRET" not in shown
        assert "Traceback" not in shown


def test_head_is_answered_where_monitors_ask_for_it(serve: Serve) -> None:
    client = serve(FakeControl(snapshot(command("a"))))
    for path in ("/", "/healthz", "/readyz", "/metrics"):
        answer = client.ask("HEAD", path)
        assert (answer.status_code, answer.text) == (200, "")


# --- the API ---------------------------------------------------------------------------------------


def test_streams_have_the_shape_that_is_documented(serve: Serve) -> None:
    client = serve(FakeControl(three_streams()))
    listed = client.get("/api/streams").json()
    models.StreamList.model_validate(listed)
    assert [shown["stream"] for shown in listed["streams"]] == ["harbour-cam", "garden-cam", "test-card"]
    assert listed["at"] == "2026-01-01T00:00:00.250Z"
    for shown in listed["streams"]:
        assert client.get(f"/api/streams/{shown['stream']}").json() == shown


def test_a_stream_tells_all_that_its_clients_rely_on(serve: Serve) -> None:
    shown = serve(FakeControl(three_streams())).get("/api/streams/garden-cam").json()
    assert (shown["wanted"], shown["on_air"], shown["health"], shown["origin"]) == (
        True,
        False,
        "unhealthy",
        "file",
    )
    assert datetime.fromisoformat(shown["since"]) == datetime.fromtimestamp(NOW - 142, UTC)
    enc, push = shown["processes"]
    assert (enc["role"], enc["destination"], enc["state"], enc["pid"]) == ("encoder", None, "backoff", None)
    assert enc["restarts"] == {
        "exit": 6,
        **dict.fromkeys(("stall", "start_timeout", "watchdog", "operator", "config", "limit"), 0),
    }
    assert enc["last_failure"]["cause"] == "source_refused"
    assert len(enc["last_failure"]["log"]) == 2
    assert enc["retry_at"] == "2026-01-01T00:00:07.750Z"
    assert (push["role"], push["destination"], push["last_failure"]) == ("pusher", "youtube", None)
    assert push["uplink"]["connected"] is True
    assert push["progress"]["frames"] == 8990


def test_what_is_not_tracked_has_no_progress(serve: Serve) -> None:
    (shown,) = serve(FakeControl(three_streams())).get("/api/streams/test-card").json()["processes"]
    assert (shown["progress"], shown["uplink"]) == (None, None)


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_orders_are_handed_over(serve: Serve, verb: str) -> None:
    control = FakeControl(three_streams())
    answer = serve(control).post(f"/api/streams/test-card/{verb}")
    assert (answer.status_code, answer.json()) == (202, {"stream": "test-card", "accepted": verb, "until": None})
    assert control.requests == [(verb, "test-card")]


def test_orders_need_the_token_when_there_is_one_and_readings_never_do(serve: Serve) -> None:
    control = FakeControl(snapshot(command("a")))
    client = serve(control, token="correct horse")
    for wrong in ({}, {"Authorization": "Bearer wrong"}):
        answer = client.post("/api/streams/a/stop", **wrong)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert list(answer.json()) == ["detail"]
    assert control.requests == []
    assert client.post("/api/streams/a/stop", Authorization="Bearer correct horse").status_code == 202
    for path in ("/", "/metrics", "/healthz", "/readyz", "/api/streams", "/api/streams/a"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "correct horse" not in answer.text
    assert client.get("/api/streams").json()["token_required"] is True


def test_pages_of_other_sites_give_no_orders(serve: Serve) -> None:
    control = FakeControl(snapshot(command("a")))
    client = serve(control)
    assert client.post("/api/streams/a/stop", Origin="https://evil.example").status_code == 403
    assert client.post("/api/streams/a/stop", Host="evil.example").status_code == 403
    assert control.requests == []
    assert client.post("/api/streams/a/stop", Origin=client.url).status_code == 202
    assert client.get("/metrics", Host="neverdark").status_code == 200  # scraped through a port mapping


@pytest.mark.parametrize(("query", "allowed"), [("", False), ("?allow_removal=true", True)])
def test_a_reload_says_what_changed(serve: Serve, query: str, *, allowed: bool) -> None:
    control = FakeControl(three_streams())
    control.outcome = ConfigReloaded(Path("/c.yml"), ("new",), ("old",), ("test-card",), ("listen",), ("open",))
    answer = serve(control).post(f"/api/config/reload{query}")
    assert answer.status_code == 200
    assert models.Reload.model_validate_json(answer.text) == models.Reload(
        accepted=True,
        detail=None,
        changes=models.ReloadChanges(added=["new"], removed=["old"], changed=["test-card"], need_restart=["listen"]),
        problems=[],
        warnings=["open"],
    )
    assert control.reloads == [allowed]


def test_a_reload_that_is_rejected_says_why(serve: Serve) -> None:
    control = FakeControl(three_streams())
    control.outcome = ConfigRejected(Path("/c.yml"), ("streams: nothing", "lisen: unknown key"))
    answer = serve(control).post("/api/config/reload")
    assert answer.status_code == 409
    shown = models.Reload.model_validate_json(answer.text)
    assert (shown.accepted, shown.changes) == (False, None)
    assert shown.problems == ["streams: nothing", "lisen: unknown key"]
    assert shown.detail == "configuration rejected, the old one stays in force"


def test_a_reload_is_an_order_like_any_other(serve: Serve) -> None:
    control = FakeControl(snapshot(command("a")))
    client = serve(control, token="correct horse")
    assert client.post("/api/config/reload").status_code == 401
    assert client.post("/api/config/reload?allow_removal=perhaps").status_code == 401
    assert client.get("/api/config/reload").status_code == 405
    evil = {"Origin": "https://evil.example", "Authorization": "Bearer correct horse"}
    assert client.post("/api/config/reload", **evil).status_code == 403
    assert control.reloads == []
    asked = client.post("/api/config/reload?allow_removal=perhaps", Authorization="Bearer correct horse")
    assert (asked.status_code, control.reloads) == (422, [])
    assert client.post("/api/config/reload", Authorization="Bearer correct horse").status_code == 200


def test_logs(serve: Serve, tmp_path: Path) -> None:
    folder = tmp_path / "harbour-cam"
    folder.mkdir()
    client = serve(FakeControl(three_streams(), tmp_path))
    path = "/api/streams/harbour-cam/logs"
    assert client.get(path).status_code == 404
    (folder / "encoder.r1.log").write_text("one\ntwo\nthree\n")
    (folder / "pusher-backup.r1.log").write_text("sent\n")
    page = client.get(f"{path}?lines=2").json()
    models.LogPage.model_validate(page)
    assert (page["file"], page["lines"]) == ("encoder.r1.log", ["two", "three"])
    with (folder / "encoder.r1.log").open("a") as log:
        log.write("four\n")
    assert client.get(f"{path}?after={page['next']}").json()["lines"] == ["four"]
    assert client.get(f"{path}?after=nonsense").status_code == 422
    assert client.get(f"{path}?after=encoder.r1.log:1:2%0a").status_code == 422
    assert client.get(f"{path}?role=pusher&destination=backup&after={page['next']}").status_code == 404
    assert client.get(f"{path}?role=pusher&destination=backup").json()["lines"] == ["sent"]
    assert client.get(f"{path}?destination=backup").json()["lines"] == ["sent"]
    ambiguous = client.get(f"{path}?role=pusher")
    assert (ambiguous.status_code, ambiguous.json()) == (
        422,
        {"detail": "destination: expected one of youtube, backup"},
    )
    assert client.get(f"{path}?role=pusher&destination=../encoder").status_code == 404


def test_the_log_of_a_fallbacks_encoder_is_asked_for_by_its_name(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "cam").mkdir()
    for name in ("encoder", "fallback1", "pusher-youtube"):
        (tmp_path / "cam" / f"{name}.r1.log").write_text(f"of {name}\n")
    slate = encoder("cam")._replace(key=ProcessKey("cam", Role.ENCODER, rung=1))
    client = serve(FakeControl(snapshot(stream("cam", encoder("cam"), slate, pusher("cam", "youtube"))), tmp_path))
    for query, expected in (
        ("", "encoder"),
        ("?role=encoder", "encoder"),
        ("?name=fallback1", "fallback1"),
        ("?role=encoder&name=fallback1", "fallback1"),
        ("?name=pusher-youtube", "pusher-youtube"),
    ):
        assert client.get(f"/api/streams/cam/logs{query}").json()["lines"] == [f"of {expected}"], query
    for query in ("?name=fallback2", "?role=pusher&name=fallback1", "?name=../cam/encoder"):
        assert client.get(f"/api/streams/cam/logs{query}").status_code == 404, query


# --- the server itself -----------------------------------------------------------------------------


def test_a_taken_port_is_a_clear_error(serve: Serve) -> None:
    taken = serve(FakeControl(snapshot())).address
    with pytest.raises(OSError, match=re.escape(f"cannot listen on {taken}")) as caught:
        HttpServer(FakeControl(snapshot()), taken, None, "1").start()
    assert caught.value.errno == errno.EADDRINUSE


def test_a_host_that_is_none_is_a_clear_error() -> None:
    with pytest.raises(OSError, match=r"cannot listen on nowhere\.invalid:1"):
        HttpServer(FakeControl(snapshot()), Address("nowhere.invalid", 1), None, "1").start()


def test_stop_frees_the_port_and_does_not_wait_for_open_connections(serve: Serve) -> None:
    client = serve(FakeControl(snapshot()))
    with socket.create_connection(client.address) as kept:
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.recv(100).startswith(b"HTTP/1.1 200")
        client.server.stop()
    client.server.stop()  # once more does no harm
    again = HttpServer(FakeControl(snapshot()), client.address, None, "1")
    again.start()
    again.stop()


def test_stop_before_start_does_no_harm() -> None:
    never_started = HttpServer(FakeControl(snapshot()), Address("127.0.0.1", 0), None, "1")
    never_started.stop()
    assert never_started.address.port == 0, "no port was taken"
