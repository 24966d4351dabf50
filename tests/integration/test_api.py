"""Orders by HTTP: who may give them, and what they say; secrets in every form that a configuration takes."""

from __future__ import annotations

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.waiting import SLACK, eventually

COMMAND = ("mine", "command", "")


def test_orders_need_the_token_and_reading_does_not(neverdark: Launch) -> None:
    token = secret("token")
    running = neverdark({"mine": {"command": ["sleep", "1000"]}}, api_token=token)
    running.wait_on_air()
    pid = running.pid(*COMMAND)

    for verb in ("start", "stop", "restart"):
        for wrong in (None, secret("guess")):
            answer = running.post(f"/api/streams/mine/{verb}", wrong)
            assert answer.status_code == 401
            assert answer.json()["detail"]
    assert running.pid(*COMMAND) == pid
    for path in ("/", "/metrics", "/healthz", "/readyz", "/api/streams", "/docs"):
        assert running.get(path).status_code == 200, path

    assert running.post("/api/streams/mine/stop", token).status_code == 202
    eventually(lambda: running.one(*COMMAND)["state"] == "stopped", 3 + SLACK, "stopped")
    assert running.one(*COMMAND)["pid"] is None
    assert running.post("/api/streams/mine/start", token).status_code == 202
    running.wait_on_air("mine")
    assert running.post("/api/streams/nobody/start", token).status_code == 404


def test_without_a_token_orders_are_taken_from_this_machine(neverdark: Launch) -> None:
    running = neverdark({"mine": {"command": ["sleep", "1000"]}})
    running.wait_on_air()
    pid = running.pid(*COMMAND)
    assert running.post("/api/streams/mine/restart").status_code == 202
    eventually(lambda: running.pid(*COMMAND) != pid, 3 + SLACK, "restarted")
    assert running.restarts() == {COMMAND: {"operator": 1}}


def test_no_secret_gets_out_when_ffmpeg_complains_about_it(unstarted: Launch, ffmpeg: str) -> None:
    """Every place that a secret can stand in, and every one of them refused; the fixture looks at all that is shown."""
    dead = "127.0.0.1:9"
    command = [ffmpeg, "-loglevel", "debug", "-i", f"rtmp://{dead}/live/{secret('argv')}", "-f", "null", "-"]
    running = unstarted(
        {
            "key": cam(f"rtmp://{dead}/live", secret("k+e/y=&?x=1")),
            "variable": cam(f"rtmp://{dead}/live", "${NDTEST_STREAM_KEY}"),
            "url": cam(f"rtmp://{dead}/live/{secret('in-url')}"),
            "query": cam(f"rtmp://{dead}/live?token={secret('query')}", secret("with-query")),
            "srt": cam(f"srt://{dead}?passphrase={secret('srt')}&streamid={secret('id')}"),
            "camera": cam("/dev/null/x.ts")
            | {"source": {"url": f"http://user:{secret('p%40ss')}@{dead}/x?token={secret('url-token')}"}},
            "command": {"command": command},
        },
        api_token=secret("token"),
    )
    running.environment["NDTEST_STREAM_KEY"] = secret("variable")
    running.start()
    failing = [("key", "pusher", "yt"), ("url", "pusher", "yt"), ("camera", "encoder", ""), ("command", "command", "")]
    eventually(lambda: all(running.one(*name)["last_failure"] for name in failing), 10 + SLACK, "all of them complain")
    assert len(running.log_files()) >= len(failing)
    for stream, role, destination in failing:
        assert running.one(stream, role, destination)["last_failure"]["log"], "what FFmpeg said"
    assert running.cli("status").returncode == 3, "nothing is on air"
    assert running.cli("logs", "command").returncode == 0


def test_named_tokens_count_and_end_while_it_runs(neverdark: Launch) -> None:
    """Made and revoked by the command, beside a neverdark that runs; no restart, and every order says whose it was."""
    running = neverdark({"mine": {"command": ["sleep", "1000"]}})
    running.wait_on_air()
    pid = running.pid(*COMMAND)

    made = {
        name: running.cli("token", "create", name, "--scope", scope, "--quiet").stdout.strip()
        for name, scope in (("grafana", "read"), ("anna", "control"))
    }
    for refused, status in ((None, 401), (made["grafana"], 403), (made["anna"][:-1], 401)):
        answer = running.post("/api/streams/mine/restart", refused)
        assert (answer.status_code, "detail" in answer.json()) == (status, True)
    assert running.pid(*COMMAND) == pid
    assert running.post("/api/streams/mine/restart", made["anna"]).status_code == 202
    eventually(lambda: running.replaced(pid, *COMMAND), 3 + SLACK, "restarted")
    running.environment["NEVERDARK_API_TOKEN"] = made["anna"]
    assert running.cli("stop", "mine").returncode == 0
    eventually(lambda: running.log().count('"by": "anna"') == 2, SLACK, "both orders are told with their name")

    assert running.cli("token", "revoke", "anna").returncode == 0
    assert running.post("/api/streams/mine/start", made["anna"]).status_code == 401
    refused_cli = running.cli("start", "mine")
    assert (refused_cli.returncode, "the token is wrong" in refused_cli.stderr) == (1, True)
    assert running.get("/metrics").ok
    assert running.metric("http_refused_tokens_total") == 3
    shown = running.log() + running.get("/api/streams").text + (running.data_dir / "tokens.json").read_text()
    assert not any(token in shown for token in made.values())
