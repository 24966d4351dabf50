"""From the fault to the person, all of it real: neverdark, FFmpeg, nginx-rtmp, Prometheus with our rules, Alertmanager.

Scraped, evaluated and held back as shipped, because how long a page takes is what is promised; only the recovered
message does not wait for its group's next minute.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.netns import Door, OwnLine
from tests.integration.harness.prometheus import Prometheus
from tests.integration.harness.recipes import BAIT, Json, cam, secret
from tests.integration.harness.sinks import Alertmanager, HttpSink, SmtpSink, part
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.valve import Valve
from tests.integration.harness.waiting import ON_AIR, SLACK, all_along, eventually, free_port

PROMETHEUS = Path(__file__).parents[2] / "prometheus"
# What is promised, from fault to page.
PAGED = 150.0
# A stream is dark for two minutes before anybody is woken.
PATIENCE = 120.0
# A scrape, an evaluation and Alertmanager's group_wait, each as shipped.
SCRAPE, EVALUATION, GROUP_WAIT = 10.0, 10.0, 5.0
# keep_firing_for of StreamOffAir: so long must it be well again.
KEPT = 40.0
GROUP_INTERVAL = 5.0
HURRY = {"group_wait: 5s\n      group_interval: 1m": f"group_wait: 5s\n      group_interval: {GROUP_INTERVAL:.0f}s"}
# How the pusher tries again when the line is back is others' tests'.
EAGER: Json = {"restart": {"max_delay": "2s", "cooldown": "5s"}}


def as_shipped(port: int, neverdark: int, alertmanager: int) -> Json:
    """prometheus.yml and its rules; only where things are is the test's."""
    config: Json = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    config["rule_files"] = [str(PROMETHEUS / "rules" / "*.yml")]
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{alertmanager}"]}]
    ports = {"neverdark": neverdark, "prometheus": port, "alertmanager": alertmanager}
    for scrape in config["scrape_configs"]:
        scrape.pop("file_sd_configs", None)
        scrape["static_configs"] = [{"targets": [f"127.0.0.1:{ports[scrape['job_name']]}"]}]
    ours = next(scrape for scrape in config["scrape_configs"] if scrape["job_name"] == "neverdark")
    ours["static_configs"][0]["labels"] = {"site": "harbour"}  # as a fleet's targets name theirs
    return config


class Stack:
    """Prometheus and Alertmanager behind a neverdark, and the person's Slack, mailbox and webhook.

    All are told pages only: whether a ticket arrives depends on the hour.
    """

    def __init__(self, room: Path, running: ExitStack, neverdark: int) -> None:
        self.http, self.smtp = running.enter_context(HttpSink()), running.enter_context(SmtpSink())
        secrets = {
            "slack-url": self.http.url("/slack"),
            "slack-for": "page",
            "webhook-url": self.http.url("/webhook"),
            "webhook-for": "page",
            "email-to": "owner@example.net",
            "email-from": "neverdark@example.net",
            "email-smarthost": self.smtp.address,
            "email-require-tls": "false",
            "email-for": "page",
        }
        alertmanager = running.enter_context(Alertmanager(room / "am", secrets, hurry=HURRY))
        port = free_port()
        config = as_shipped(port, neverdark, alertmanager.port)
        self.prometheus = running.enter_context(Prometheus(room / "prometheus", port, config))
        known = "count(stream:livestream_stream_wanted:last_known == 1) == 3 and on () count(up == 1) == 3"
        eventually(lambda: self.prometheus.ask(known), SCRAPE + EVALUATION + SLACK, "scraped and evaluated")

    def slack(self) -> list[Json]:
        return [attachment for body in self.http.at("/slack") for attachment in body["attachments"]]

    def told(self) -> list[tuple[str, str, str]]:
        """What was sent, by the webhook's account: alert, stream, status."""
        return [
            (alert["labels"]["alertname"], alert["labels"].get("stream", ""), alert["status"])
            for body in self.http.at("/webhook")
            for alert in body["alerts"]
        ]

    def everywhere(self, messages: int) -> bool:
        """So many have come by each way."""
        return min(len(self.slack()), len(self.smtp.mails), len(self.told())) >= messages

    def all_text(self) -> str:
        return "\n".join([str(self.http.posts), *(mail.as_string() + part(mail, "plain") for mail in self.smtp.mails)])

    def report(self) -> None:
        """Shown by pytest if the test failed, and with -s."""
        for attachment, mail in zip(self.slack(), self.smtp.mails, strict=False):
            print(f"--- {attachment['title']}\n{attachment['text']}\n--- {mail['Subject']}\n{part(mail, 'plain')}")
        print(self.told())


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Callable[[int], Stack]]:
    with ExitStack() as running:
        started: list[Stack] = []

        def start(neverdark: int) -> Stack:
            started.append(Stack(tmp_path, running, neverdark))
            return started[-1]

        yield start
        for one in started:
            one.report()


@pytest.mark.timeout(600)
def test_a_frozen_ingest_wakes_somebody_and_a_planned_stop_nobody(
    ingest: Ingest, valve: Valve, neverdark: Launch, stack: Callable[[int], Stack]
) -> None:
    streams = {
        "gate": cam(valve.url, secret("gate"), **EAGER),
        "quay": cam(ingest.url, secret("quay")),
        "pier": cam(ingest.url, secret("pier")),
    }
    running = neverdark(streams)
    running.wait_on_air()
    person = stack(running.port)

    assert running.post("/api/streams/quay/stop").status_code == 202
    eventually(lambda: secret("quay") not in ingest.publishers(), 5 + SLACK, "stopped on purpose")
    frozen = time.monotonic()
    valve.freeze()
    eventually(lambda: person.everywhere(1), PAGED + SLACK, "a page")
    took = time.monotonic() - frozen
    print(f"from fault to page: {took:.1f} s")
    assert took > PATIENCE, "who is dark for less sleeps on"
    assert person.told() == [("StreamOffAir", "gate", "firing")]
    (slack,) = person.slack()
    (mail,) = person.smtp.mails
    assert slack["title"] == "🔴 PAGE: gate is off air"
    assert mail["Subject"] == "PAGE: gate is off air"
    assert "Segment: *uplink*" in slack["text"]
    for text in (slack["text"], part(mail, "plain"), part(mail, "html")):
        for expected in (
            "What broke: uplink.",
            "Dark for 2m ",
            "pusher yt",
            "neverdark goes on trying.",
            "#streamoffair",
        ):
            assert expected in text, text
        assert "<no value>" not in text
    assert "Segment: <b>uplink</b>" in part(mail, "html")

    thawed = time.monotonic()
    valve.thaw()
    running.wait_on_air("gate", seconds=ON_AIR + 5)
    back = SCRAPE + KEPT + 2 * EVALUATION + GROUP_INTERVAL
    eventually(lambda: person.everywhere(2), back + SLACK, "it is over")
    print(f"from thaw to the recovered message: {time.monotonic() - thawed:.1f} s")
    assert person.told()[1:] == [("StreamOffAir", "gate", "resolved")]
    title = person.slack()[1]["title"]
    assert title.startswith("🟢 RESOLVED: gate was dark for ")
    assert person.smtp.mails[1]["Subject"] == title.removeprefix("🟢 ")

    # Of the others nothing was sent, and nothing waits for the morning either.
    ever = person.prometheus.ask('count_over_time(ALERTS{alertstate="firing",stream!=""}[10m])')
    assert {series["metric"]["stream"] for series in ever} == {"gate"}
    assert "quay" not in person.all_text()
    assert "pier" not in person.all_text()
    assert BAIT not in person.all_text()
    assert running.metric("stream_wanted", stream="quay") == 0


@pytest.mark.skipif(os.getuid() != 0, reason="a network namespace that is joined to ours needs root")
@pytest.mark.timeout(600)
def test_our_own_line_down_is_one_message_and_not_one_per_stream(tmp_path: Path, stack: Callable[[int], Stack]) -> None:
    names = {"gate", "quay", "pier"}
    with ExitStack() as world:
        line = world.enter_context(OwnLine())
        host, port = world.enter_context(socket.create_server((line.far, 0))).getsockname()
        ingest = Ingest(tmp_path / "ingest", line.far)
        world.callback(ingest.close)
        ingest.start()
        streams = {name: cam(ingest.url, secret(name), **EAGER) for name in names}
        running = Neverdark(tmp_path / "neverdark", streams, network={"reference": f"{host}:{port}"})
        running.wrapper = line.wrapper
        running.port = world.enter_context(Door(line, running.port)).port
        world.enter_context(running)
        running.wait_on_air()
        person = stack(running.port)
        eventually(lambda: running.metric("network_reachable", probe="reference") == 1, SLACK + 5, "the line is up")

        cut = time.monotonic()
        line.lose()
        eventually(lambda: person.everywhere(1), PAGED + SLACK, "a page")
        print(f"from cut to page: {time.monotonic() - cut:.1f} s")
        pages = 'ALERTS{alertstate="firing",alertname="StreamOffAir"}'

        def streams_page() -> bool:
            return {series["metric"]["stream"] for series in person.prometheus.ask(pages)} == names

        eventually(streams_page, PAGED + SLACK - (time.monotonic() - cut), "each stream would page")
        told = [("SiteOffline", "", "firing")]
        all_along(lambda: person.told() == told, GROUP_WAIT + EVALUATION, "one message")
        (slack,) = person.slack()
        (mail,) = person.smtp.mails
        assert slack["title"] == "🔴 PAGE: The line of harbour is down"
        assert mail["Subject"] == "PAGE: The line of harbour is down"
        for text in (slack["text"], part(mail, "plain"), part(mail, "html")):
            assert "Neither an ingest nor the reference host can be reached from harbour" in text
            assert "streams in the dark: 3." in text
            assert "neverdark waits for the line" in text
        assert BAIT not in person.all_text()
