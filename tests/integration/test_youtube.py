"""neverdark, a real ingest and a faithful YouTube behind it: what viewers have, and what is done about it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.addresses import FILE_NAME, written_addresses
from supervisor.config.youtube import AccountSection
from supervisor.platforms.youtube.oauth import Grant, OAuth
from supervisor.platforms.youtube.tokens import Tokens
from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.prometheus import Prometheus
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.sinks import Alertmanager, HttpSink, SmtpSink, part
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually, free_port
from tests.youtube.fake import FakeYouTube
from tests.youtube.model import State, Stream
from tests.youtube.oauth import TV

REPAIRED = 60.0 + ON_AIR
RULES = Path(__file__).parents[2] / "prometheus" / "rules" / "youtube.yml"
# Prometheus and Alertmanager as shipped wait longer than a test does.
HURRIED_RULES = {"for: 3m\n": "for: 1s\n", "keep_firing_for: 1m\n": "keep_firing_for: 1s\n", "[40s]": "[5s]"}
HURRIED_MESSAGES = {"group_wait: 5s\n      group_interval: 1m": "group_wait: 1s\n      group_interval: 1s"}


@pytest.fixture
def only_spare(spare: Ingest) -> Ingest:
    """The one ingest whose publishers YouTube has."""
    return spare


@pytest.fixture
def youtube(ingest: Ingest, request: pytest.FixtureRequest) -> Iterator[FakeYouTube]:
    servers = [ingest, request.getfixturevalue("spare")] if "spare" in request.fixturenames else [ingest]
    servers = servers[1:] if "only_spare" in request.fixturenames else servers
    with FakeYouTube() as fake:
        fake.ingest.follow(*(server.publishers for server in servers))
        yield fake


@pytest.fixture
def account(youtube: FakeYouTube, tmp_path: Path) -> dict[str, Any]:
    """An account that somebody has logged in to."""
    (tmp_path / "client-secret").write_text(TV.client_secret)
    (tmp_path / "client-secret").chmod(0o600)
    section = {
        "client_id": TV.client_id,
        "client_secret_file": str(tmp_path / "client-secret"),
        "token_file": str(tmp_path / "token"),
        **youtube.urls,
    }
    parsed = AccountSection.model_validate(section)
    Tokens(parsed, OAuth(parsed)).save(Grant("none", youtube.oauth.granted(), 0.0))
    return section


def at_youtube(ingest: Ingest, key: str, stream: Stream, **broadcast: Any) -> dict[str, Any]:
    """A stream whose destination is there."""
    configured = cam(ingest.url, key)
    place = {"account": "main", "channel": "UCfakefakefakefakefake01", "stream_id": stream.id, "poll": "1s"}
    broadcast = {"title": "Harbour", **broadcast}
    configured["destinations"]["yt"]["youtube"] = {**place, "page_poll": "1s", "broadcast": broadcast}
    return configured


def incidents(running: Neverdark) -> list[dict[str, Any]]:
    return list(running.get("/api/streams/cam/incidents").json()["incidents"])


def standing(running: Neverdark) -> dict[str, Any]:
    (one,) = running.get("/api/platforms").json()["platforms"]
    return dict(one)


def test_stream_finished_is_mended_without_touching_a_process(
    ingest: Ingest, youtube: FakeYouTube, account: dict[str, Any], neverdark: Launch
) -> None:
    key = secret("main")
    stream = youtube.studio.stream(key)
    old = youtube.studio.broadcast(stream=stream, state=State.LIVE)
    running = neverdark({"cam": at_youtube(ingest, key, stream, adopt=True)}, youtube={"accounts": {"main": account}})
    running.wait_on_air()
    eventually(lambda: standing(running)["words"].get("broadcast") == "live", ON_AIR, "it is taken")
    assert standing(running)["address"] == f"https://www.youtube.com/watch?v={old.id}"
    pids, connection = running.pids(), ingest.publishers()[key].client

    youtube.studio.end(old)
    incident = eventually(lambda: incidents(running)[0], ON_AIR, "an incident is opened")
    assert (incident["cause"], incident["segment"], incident["layer"]) == ("broadcast_ended", "platform", "platform")

    def repaired() -> bool:
        shown = standing(running)
        return bool(shown["words"]["broadcast"] == "live" and shown["address"] and old.id not in shown["address"])

    eventually(repaired, REPAIRED, "viewers have a broadcast again")
    (new,) = youtube.studio.made()
    assert youtube.studio.look(new).state is State.LIVE
    assert (running.pids(), ingest.publishers()[key].client) == (pids, connection)
    (place,) = running.get("/api/streams/cam").json()["destinations"]
    assert place["watch_url"] == f"https://www.youtube.com/watch?v={new.id}"
    assert 'livestream_youtube_inserts_total{stream="cam",destination="yt"} 1\n' in running.get("/metrics").text
    assert len(youtube.record.all("liveBroadcasts.insert")) == 1
    eventually(lambda: incidents(running)[0]["closed"], ON_AIR + 35, "the incident is closed")
    assert len(incidents(running)) == 1
    assert key not in running.get("/api/platforms").text


def messages(http: HttpSink, alert: str, status: str) -> list[dict[str, Any]]:
    """What the webhook was told of it."""
    every = [one for body in http.at("/webhook") for one in body["alerts"]]
    return [one for one in every if (one["labels"]["alertname"], one["status"]) == (alert, status)]


def test_messages_of_a_recovery_have_the_new_address(
    ingest: Ingest, youtube: FakeYouTube, account: dict[str, Any], neverdark: Launch, tmp_path: Path
) -> None:
    """From a broadcast that ended to the owner's webhook, Slack and mailbox: real Prometheus, real Alertmanager."""
    key = secret("main")
    stream = youtube.studio.stream(key)
    old = youtube.studio.broadcast(stream=stream, state=State.LIVE)
    running = neverdark({"cam": at_youtube(ingest, key, stream, adopt=True)}, youtube={"accounts": {"main": account}})
    running.wait_on_air()
    rules = RULES.read_text(encoding="utf-8")
    for usual, hurried in HURRIED_RULES.items():
        assert usual in rules, usual
        rules = rules.replace(usual, hurried)
    (tmp_path / "rules.yml").write_text(rules, encoding="utf-8")
    with ExitStack() as around:
        http, smtp = around.enter_context(HttpSink()), around.enter_context(SmtpSink())
        secrets = {
            "webhook-url": http.url("/webhook"),
            "slack-url": http.url("/slack"),
            "email-to": "owner@example.net",
        }
        secrets |= {
            "email-from": "neverdark@example.net",
            "email-smarthost": smtp.address,
            "email-require-tls": "false",
        }
        alertmanager = around.enter_context(Alertmanager(tmp_path / "am", secrets, hurry=HURRIED_MESSAGES))
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(tmp_path / "rules.yml")],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}]},
            "scrape_configs": [
                {"job_name": "neverdark", "static_configs": [{"targets": [f"127.0.0.1:{running.port}"]}]}
            ],
        }
        prometheus = around.enter_context(Prometheus(tmp_path / "prometheus", free_port(), config))
        known = "livestream_youtube_broadcast_info and on () destination:livestream_youtube_sends:2m"
        eventually(lambda: prometheus.ask(known), ON_AIR, "it is scraped, and sent")
        assert not messages(http, "YouTubeNewAddress", "firing"), "the first is not a new one"

        youtube.studio.end(old)
        eventually(lambda: messages(http, "YouTubeBroadcastNotLive", "firing"), ON_AIR, "a page")
        eventually(lambda: messages(http, "YouTubeNewAddress", "firing"), REPAIRED, "a new address is told")
        (new,) = youtube.studio.made()
        url = f"https://www.youtube.com/watch?v={new.id}"
        (told,) = messages(http, "YouTubeNewAddress", "firing")
        assert told["annotations"]["watch_url"] == told["labels"]["watch_url"] == url
        assert told["annotations"]["summary"] == f"cam: viewers have a new address, {url}"
        eventually(lambda: messages(http, "YouTubeBroadcastNotLive", "resolved"), REPAIRED, "the page is over")
        (over,) = messages(http, "YouTubeBroadcastNotLive", "resolved")
        assert over["annotations"]["watch_url"] == url
        assert over["annotations"]["description"] == "It is live again."
        eventually(lambda: len(http.at("/slack")) == len(smtp.mails) == 3, SLACK, "everybody is told all three")
        page, *after = [body["attachments"][0] for body in http.at("/slack")]
        assert "Watch:" not in page["text"]
        for attachment, mail in zip(after, smtp.mails[1:], strict=True):
            assert f"Watch: <{url}>" in attachment["text"]
            assert f"Watch: {url}" in part(mail, "plain")
            assert f'href="{url}"' in part(mail, "html")
        assert old.id not in f"{[one.body for one in http.posts]}"


def test_the_backups_address_is_youtubes_and_either_ingest_is_enough(
    ingest: Ingest, spare: Ingest, youtube: FakeYouTube, account: dict[str, Any], unstarted: Launch
) -> None:
    key = secret("main")
    told = dict.fromkeys(("backupIngestionAddress", "rtmpsBackupIngestionAddress"), spare.url)
    stream = youtube.studio.stream(key, addresses=told)
    configured = at_youtube(ingest, key, stream)
    configured["destinations"]["yt"]["role"] = "primary"
    configured["destinations"]["second"] = {"key": key, "role": "backup", "restart": {"initial_delay": 0}}
    running = unstarted({"cam": configured}, youtube={"accounts": {"main": account}})
    running.data_dir.mkdir()
    before = written_addresses({stream.id: f"rtmp://127.0.0.1:{free_port()}/live"})
    (running.data_dir / FILE_NAME).write_bytes(before)  # where it was once
    running.start()
    running.wait_on_air()
    encoder = running.pid("cam", "encoder")
    eventually(lambda: spare.receives(key), ON_AIR, "it is sent to where YouTube says")
    assert running.pid("cam", "encoder") == encoder
    (broadcast,) = eventually(youtube.studio.live, REPAIRED, "viewers have a broadcast")

    ingest.stop()
    eventually(lambda: running.stream("cam")["health"] == "degraded", 5 + SLACK, "the primary is missed")
    youtube.studio.end(broadcast)
    eventually(lambda: standing(running)["words"]["trouble"] == "ended", ON_AIR, "what the backup sends counts")
    assert running.on_air("cam")


def test_a_kill_after_the_insert_makes_no_second_broadcast(
    ingest: Ingest, youtube: FakeYouTube, account: dict[str, Any], neverdark: Launch
) -> None:
    key = secret("main")
    stream = youtube.studio.stream(key)
    running = neverdark({"cam": at_youtube(ingest, key, stream)}, youtube={"accounts": {"main": account}})
    running.wait_on_air()
    eventually(youtube.studio.made, ON_AIR, "one is made")
    running.send(signal.SIGKILL)
    running.wait(ON_AIR)
    running.start()

    def is_live() -> bool:
        (one,) = youtube.studio.made()
        return youtube.studio.look(one).state is State.LIVE

    eventually(is_live, REPAIRED, "it is brought up by the next one")
    assert len(youtube.record.all("liveBroadcasts.insert")) == 1


QUICK = """
from supervisor.platforms.youtube import delivery
delivery.CONFIRM, delivery.TAKES_UP, delivery.RESTART_EVERY = 1.0, 5.0, 600.0
"""


def test_where_youtube_does_not_receive_another_of_its_addresses_is_tried_and_kept(
    ingest: Ingest, only_spare: Ingest, youtube: FakeYouTube, account: dict[str, Any], unstarted: Launch
) -> None:
    """The one at the configured address takes and acknowledges all, and YouTube has none of it."""
    key, spare = secret("main"), only_spare
    told = {"ingestionAddress": ingest.url, "backupIngestionAddress": spare.url}
    told |= dict.fromkeys(("rtmpsIngestionAddress", "rtmpsBackupIngestionAddress"), "")
    stream = youtube.studio.stream(key, addresses=told)
    running = unstarted({"cam": at_youtube(ingest, key, stream)}, youtube={"accounts": {"main": account}})
    python = running.folder / "python"
    python.mkdir()
    (python / "sitecustomize.py").write_text(QUICK)
    running.environment["PYTHONPATH"] = f"{python}:{running.environment['PYTHONPATH']}"
    running.start()
    running.wait_on_air()
    encoder, connections = running.pid("cam", "encoder"), set[str]()

    def is_elsewhere() -> bool:
        connections.update(one.client for name, one in ingest.publishers().items() if name == key)
        return spare.receives(key)

    eventually(is_elsewhere, REPAIRED, "it is sent to the other one")
    eventually(lambda: key not in ingest.publishers(), SLACK, "and not to the first any more")
    assert len(connections) == 2, "a new connection was tried before"
    eventually(youtube.studio.live, REPAIRED, "viewers have a broadcast")
    assert running.pid("cam", "encoder") == encoder
    (destination,) = running.get("/api/streams/cam").json()["destinations"]
    assert str(spare.port) in destination["url"]
    actions = [one["action"] for one in incidents(running)[-1]["actions"]]
    assert actions[:2] == ["restart_pusher", "restart_pusher"], "the new connection, and the new address"
    assert f"sent to {spare.url}/*** from now on" in running.log()
    running.wait_on_air()
