"""What every request passes: real requests with tokens and names, right and wrong ones."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from exporter.api.brake import LONGEST_WAIT, Brake, Brakes
from exporter.api.guard import PROOF
from supervisor.config.tokens import FILE, Scope, TokenFile
from supervisor.model.events import ConfigRejected, OrderGiven
from supervisor.model.subjects import ITSELF, Subject
from tests.unit.exporter.conftest import PATIENCE, Client, Serve
from tests.unit.exporter.snapshots import FakeControl, command, snapshot
from tests.unit.exporter.test_collector import read

TOKEN = "correct horse"
RIGHT = f"Bearer {TOKEN}"
STOP = "/api/streams/a/stop"
FOREIGN = "cams.example"
NOW = datetime(2026, 11, 27, tzinfo=UTC)


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


def test_every_order_that_is_taken_is_told_with_name_and_address(
    serve: Serve, control: FakeControl, tmp_path: Path
) -> None:
    free = serve(control)
    assert free.post("/api/streams/nothing/stop").status_code == 404
    assert free.post(STOP).status_code == 202
    assert free.post("/api/config/reload", Authorization="Bearer whatever").status_code == 200
    assert free.post("/api/streams/a/drill?seconds=1").status_code == 202
    control.outcome = ConfigRejected(Path("c.yml"), ("nonsense",))
    assert free.post("/api/config/reload").status_code == 409
    assert free.get("/api/streams").ok
    tokens = TokenFile(tmp_path / FILE)
    anna, reader = (tokens.create(name, scope, NOW) for name, scope in (("anna", Scope.CONTROL), ("rex", Scope.READ)))
    closed = serve(control, token=TOKEN, tokens=tokens)
    for token in (reader, anna, TOKEN, "wrong"):
        closed.post(STOP, Authorization=f"Bearer {token}", X_Forwarded_For="203.0.113.7")
    stop = partial(OrderGiven, "stop", Subject("a"))
    assert control.orders == [
        stop("local", "127.0.0.1"),
        OrderGiven("reload", ITSELF, "local", "127.0.0.1"),
        OrderGiven("drill", Subject("a"), "local", "127.0.0.1"),
        stop("anna", "127.0.0.1"),
        stop("operator", "127.0.0.1"),
    ]


def test_only_so_many_wait(serve: Serve, control: FakeControl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Brake, "wait", lambda brake, _now: None if brake.waiting >= 2 else 1.0)
    one = Brake()
    monkeypatch.setattr(Brakes, "of", lambda _brakes, _address: one)
    client = serve(control, token=TOKEN)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post(STOP, Authorization="Bearer wrong"), range(8)))
    codes = [answer.status_code for answer in answers]
    assert sorted(set(codes)) == [401, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "3"
    assert client.post(STOP, Authorization=RIGHT).status_code == 202, "who waited has left the line"


# --- named tokens ----------------------------------------------------------------------------------


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / FILE)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_a_token_that_may_read_gives_no_order(serve: Serve, control: FakeControl, tokens: TokenFile) -> None:
    reader = bearer(tokens.create("grafana", Scope.READ, NOW))
    client = serve(control, tokens=tokens)
    for path in ("/api/streams", "/api/streams/a", "/api/incidents", "/openapi.json", "/docs"):
        assert client.get(path, **reader).ok
        assert client.get(path, Host=FOREIGN, **reader).ok
    asked = client.get("/api/streams", Host=FOREIGN, **reader).json()
    assert asked["token_required"] is True, "for an order, another one"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in (STOP, "/api/config/reload", "/api/nothing/yet"):
            refused = client.ask(method, path, **reader)
            assert refused.status_code == 403
            assert "may only read" in refused.json()["detail"]
            assert "control" in refused.json()["detail"]
            assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert (control.requests, control.reloads, control.orders) == ([], [], [])
    assert counter(client, "http_refused_tokens_total") == 0, "it is no wrong one"
    known = client.get(PROOF, **reader)
    assert (known.status_code, known.json()) == (200, {"token": "right", "name": "grafana", "scope": "read"})


def test_a_new_token_counts_at_once_and_a_revoked_one_no_more(
    serve: Serve, control: FakeControl, tokens: TokenFile
) -> None:
    client = serve(control, tokens=tokens)
    assert client.get("/api/streams").json()["token_required"] is False
    assert client.post(STOP).status_code == 202, "there are none"
    anna = bearer(tokens.create("anna", Scope.CONTROL, NOW))
    assert client.post(STOP).status_code == 401
    assert client.get("/api/streams").json()["token_required"] is True
    assert client.post(STOP, **anna).status_code == 202
    assert client.get(PROOF, **anna).json() == {"token": "right", "name": "anna", "scope": "control"}
    bob = bearer(tokens.create("bob", Scope.CONTROL, NOW))
    assert client.post(STOP, **bob).status_code == 202
    tokens.revoke("anna")
    assert client.post(STOP, **anna).status_code == 401
    assert client.post(STOP, **bob).status_code == 202
    tokens.revoke("bob")
    assert client.post(STOP, **bob).status_code == 401
    assert client.post(STOP).status_code == 401, "the last one that goes does not open the door"


@pytest.mark.parametrize("spoil", ["empty", "text", "open", "gone", "link"])
def test_a_spoilt_file_of_tokens_opens_nothing_and_is_told_once(
    spoil: str, serve: Serve, control: FakeControl, tokens: TokenFile, capfd: pytest.CaptureFixture[str]
) -> None:
    anna = bearer(tokens.create("anna", Scope.CONTROL, NOW))
    good = tokens.path.read_bytes()
    client = serve(control, token=TOKEN, tokens=tokens)
    assert client.post(STOP, **anna).status_code == 202
    match spoil:
        case "empty" | "text":
            tokens.path.write_text({"empty": "", "text": "nd_what-somebody-pasted-here"}[spoil])
        case "open":
            tokens.path.chmod(0o666)
        case "gone":
            tokens.path.unlink()
        case "link":
            tokens.path.rename(tokens.path.with_name("other"))
            tokens.path.symlink_to("other")
    for _ in range(3):
        assert client.post(STOP, **anna).status_code == 401
        assert client.post(STOP).status_code == 401
    assert client.post(STOP, Authorization=RIGHT).status_code == 202, "the configuration's own is as it was"
    told = "".join(capfd.readouterr())
    assert told.count("none of its tokens is right") == (0 if spoil == "gone" else 1)
    assert "pasted" not in told
    tokens.path.unlink(missing_ok=True)
    tokens.path.write_bytes(good)
    tokens.path.chmod(0o600)
    assert client.post(STOP, **anna).status_code == 202


@pytest.mark.parametrize("content", ["", "{}"])
def test_a_spoilt_file_from_the_start_on_leaves_the_door_closed(
    content: str, serve: Serve, control: FakeControl, tokens: TokenFile
) -> None:
    tokens.path.write_text(content)
    client = serve(control, tokens=tokens)
    assert client.post(STOP).status_code == 401
    assert client.get("/api/streams", Host=FOREIGN).status_code == 401
    assert client.get("/api/streams").ok


def test_a_file_that_vanishes_leaves_the_door_closed(serve: Serve, control: FakeControl, tokens: TokenFile) -> None:
    anna = bearer(tokens.create("anna", Scope.CONTROL, NOW))
    client = serve(control, tokens=tokens)
    assert client.post(STOP, **anna).status_code == 202
    tokens.path.unlink()
    assert client.post(STOP).status_code == 401
    assert client.post(STOP, **anna).status_code == 401


def test_a_named_token_never_waits_beside_wrong_ones_of_the_same_address(
    serve: Serve, control: FakeControl, tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Brake, "wait", lambda _brake, _now: None)
    anna = bearer(tokens.create("anna", Scope.CONTROL, NOW))
    client = serve(control, token=TOKEN, tokens=tokens)
    assert client.post(STOP, Authorization=RIGHT).status_code == 429, "may be short, so it may be guessed"
    assert client.post(STOP, **bearer("nd_" + "x" * 43)).status_code == 429
    assert client.post(STOP, **anna).status_code == 202


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
    schemes = described["components"]["securitySchemes"]
    assert {name: (each["type"], each["scheme"]) for name, each in schemes.items()} == {"token": ("http", "bearer")}
    assert all(f"`{scope}`" in schemes["token"]["description"] for scope in Scope)
    free = serve(control).get("/openapi.json").json()["paths"]["/api/streams/{stream}/stop"]["post"]
    assert free["security"] == [{}, {"token": []}]
