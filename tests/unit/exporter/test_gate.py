"""What every request passes: real requests with tokens and names, right and wrong ones."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from exporter.api.brake import LONGEST_WAIT, Brake
from exporter.api.guard import PROOF
from tests.unit.exporter.conftest import PATIENCE, Client, Serve
from tests.unit.exporter.snapshots import FakeControl, command, snapshot
from tests.unit.exporter.test_collector import read

TOKEN = "correct horse"
RIGHT = f"Bearer {TOKEN}"
STOP = "/api/streams/a/stop"
FOREIGN = "cams.example"


@pytest.fixture
def control() -> FakeControl:
    return FakeControl(snapshot(command("a")))


def counter(client: Client, name: str, **labels: str) -> float:
    samples = read(client.get("/metrics").text, openmetrics=False)
    (value,) = [
        value for sample, own, value in samples if sample == f"livestream_{name}" and set(labels.items()) <= set(own)
    ]
    return value


# --- names -----------------------------------------------------------------------------------------


def test_a_page_whose_name_was_made_to_lead_here_reads_nothing(serve: Serve, control: FakeControl) -> None:
    client = serve(control)
    for host in ("evil.example", f"evil@{client.address}"):
        for path in ("/", "/api/streams", "/api/streams/a", "/api/streams/a/logs", "/api/incidents", "/openapi.json"):
            for headers in ({}, {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "localhost"}):
                assert client.get(path, Host=host, **headers).status_code == 403
        for path in ("/metrics", "/healthz", "/readyz"):
            assert client.get(path, Host=host).status_code == 200


def test_under_a_foreign_name_the_token_opens_everything(serve: Serve, control: FakeControl) -> None:
    client = serve(control, token=TOKEN)
    assert client.get("/", Host=FOREIGN).ok
    assert client.get("/web/page.js", Host=FOREIGN).ok
    unasked = client.get("/api/streams", Host=FOREIGN)
    assert (unasked.status_code, unasked.headers["www-authenticate"]) == (401, "Bearer")
    assert counter(client, "http_refused_tokens_total") == 0, "none was tried"
    listed = client.get("/api/streams", Host=FOREIGN, Authorization=RIGHT)
    assert listed.ok
    assert listed.json()["token_required"] is False, "it is there already"
    answer = client.post(
        STOP, Host=FOREIGN, Origin=f"https://{FOREIGN}", X_Forwarded_For="1.2.3.4", Authorization=RIGHT
    )
    assert answer.status_code == 202


def test_whatever_is_no_reading_is_an_order(serve: Serve, control: FakeControl) -> None:
    client = serve(control, token=TOKEN)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        for path in (STOP, "/api/whatever/comes/next", "/healthz"):
            assert client.ask(method, path).status_code == 401
    assert client.ask("PUT", "/healthz", Authorization=RIGHT).status_code == 405


def test_nothing_leads_to_another_host(serve: Serve, control: FakeControl) -> None:
    assert serve(control, token=TOKEN).get("/docs/", Host="evil.example", Authorization=RIGHT).status_code == 404


# --- wrong tokens ----------------------------------------------------------------------------------


def test_wrong_tokens_wait_longer_and_longer_are_counted_and_told_once(
    serve: Serve, control: FakeControl, capfd: pytest.CaptureFixture[str]
) -> None:
    client = serve(control, token=TOKEN)
    took = []
    for _ in range(9):
        began = time.monotonic()
        assert client.post(STOP, Authorization="Bearer wrong").status_code == 401
        took.append(time.monotonic() - began)
    assert took[6] >= 0.1
    assert took[7] >= 0.2
    assert took[8] >= 0.4
    assert counter(client, "http_refused_tokens_total") == 9
    assert counter(client, "http_requests_total", handler="order", code="401") == 9
    told = "".join(capfd.readouterr())
    assert told.count("wrong token refused") == 1
    assert "127.0.0.1" in told
    assert "correct" not in told
    assert "Bearer" not in told
    assert control.requests == []


def test_the_right_token_and_other_requests_get_through_beside_many_wrong_ones(
    serve: Serve, control: FakeControl
) -> None:
    client = serve(control, token=TOKEN)
    with ThreadPoolExecutor(30) as pool:
        wrong = [pool.submit(client.post, STOP, Authorization=f"Bearer {number}") for number in range(60)]
        while sum(guess.done() for guess in wrong) < 10:
            time.sleep(0.01)
        began = time.monotonic()
        assert client.get("/healthz").ok
        assert client.get("/metrics").ok
        assert client.get("/api/streams").ok
        assert client.post(STOP).status_code == 401, "who brings none need not wait"
        assert time.monotonic() - began < 2
        assert client.post(STOP, Authorization=RIGHT).status_code == 202
        assert time.monotonic() - began < LONGEST_WAIT + 2 < PATIENCE
        assert {guess.result().status_code for guess in wrong} == {401}


def test_the_log_says_who_gave_an_order(serve: Serve, control: FakeControl, capfd: pytest.CaptureFixture[str]) -> None:
    client = serve(control)
    assert client.post("/api/streams/nothing/stop").status_code == 404
    assert client.post(STOP).status_code == 202
    told = "".join(capfd.readouterr())
    assert told.count("stop ordered by an operator") == 1
    assert "stream=a" in told
    assert "127.0.0.1" in told


def test_only_so_many_wait(serve: Serve, control: FakeControl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Brake, "wait", lambda _brake, _now, waiting: None if waiting >= 2 else 1.0)
    client = serve(control, token=TOKEN)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post(STOP, Authorization="Bearer wrong"), range(8)))
    codes = [answer.status_code for answer in answers]
    assert sorted(set(codes)) == [401, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "3"
    assert client.post(STOP, Authorization=RIGHT).status_code == 202, "who waited has left the line"


# --- what is counted -------------------------------------------------------------------------------


def test_requests_are_counted_by_what_they_asked_for(serve: Serve, control: FakeControl) -> None:
    client = serve(control)
    asked = {
        ("page", "200"): ["/", "/docs", "/openapi.json", "/web/page.js"],
        ("page", "404"): ["/web/nothing.js"],
        ("api", "200"): ["/api/streams", "/api/streams/a", "/api/incidents", "/api/watchdog/status"],
        ("api", "404"): ["/api/nothing", "/api/streams/b", "/api/streams/a/logs"],
        ("api", "422"): ["/api/incidents?limit=many"],
        ("healthz", "200"): ["/healthz"],
        ("readyz", "200"): ["/readyz"],
        ("other", "404"): ["/favicon.ico", "/wp-login.php?x=1"],
    }
    for paths in asked.values():
        for path in paths:
            client.get(path)
    client.post(STOP)
    client.post("/api/streams/b/stop")
    expected = {pair: float(len(paths)) for pair, paths in asked.items()} | {
        ("order", "202"): 1.0,
        ("order", "404"): 1.0,
    }
    found = {
        (dict(labels)["handler"], dict(labels)["code"]): value
        for name, labels, value in read(client.get("/metrics").text, openmetrics=False)
        if name == "livestream_http_requests_total"
    }
    assert {pair: value for pair, value in found.items() if value} == expected
    assert found["metrics", "200"] == 0, "it is there before the first"
    assert counter(client, "http_requests_total", handler="metrics", code="200") == 1


# --- what the description says ---------------------------------------------------------------------


def test_the_description_tells_who_needs_the_token(serve: Serve, control: FakeControl) -> None:
    described = serve(control, token=TOKEN).get("/openapi.json").json()
    assert described["components"]["securitySchemes"] == {
        "token": {"type": "http", "description": "api_token, when one is set", "scheme": "bearer"}
    }
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation.get("security") == ([{"token": []}] if method == "post" or path == PROOF else None), (
                f"{method} {path}"
            )
            if path.startswith("/api/"):
                assert {"401", "403", "429"} <= operation["responses"].keys()
    free = serve(control).get("/openapi.json").json()["paths"]["/api/streams/{stream}/stop"]["post"]
    assert free["security"] == [{}, {"token": []}]
