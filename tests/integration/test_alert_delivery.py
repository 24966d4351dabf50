"""From Alertmanager to the person: real Alertmanager, our configuration and messages, sinks for what it sends."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from supervisor import cli
from tests.integration.conftest import Launch
from tests.integration.harness.sinks import Alertmanager, HttpSink, SmtpSink, part
from tests.integration.harness.supervised import PATIENCE
from tests.integration.harness.waiting import SLACK, all_along, eventually

SECONDS = 5 + SLACK
HURRY = {
    "group_wait: 5s\n      group_interval: 1m": "group_wait: 1s\n      group_interval: 1s",
    "group_interval: 20s\n      repeat_interval: 50s": "group_interval: 1s\n      repeat_interval: 1s",
}
PLACE = ("job=neverdark", "instance=10.1.0.11:9833", "site=harbour")
STREAM = (*PLACE, "stream=harbour-cam", "severity=page", "scope=stream", "alertname=StreamOffAir")
ANNOTATIONS = {
    "summary": "harbour-cam is off air",
    "description": "Dark for 5m 0s. What broke: uplink. Tried: restart_pusher ×3 (process). neverdark goes on trying.",
    "segment": "uplink",
    "runbook_url": "https://git.example.net/neverdark/docs/runbooks.md#streamoffair",
    "dashboard": "https://grafana.example.net/d/neverdark-stream?var-stream=harbour-cam",
}


@dataclass
class Stack:
    alertmanager: Alertmanager
    http: HttpSink
    smtp: SmtpSink


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with ExitStack() as running:
        http, smtp = running.enter_context(HttpSink()), running.enter_context(SmtpSink())
        secrets = {
            "slack-url": http.url("/slack"),
            "discord-url": http.url("/discord"),
            "webhook-url": http.url("/webhook"),
            "heartbeat-url": http.url("/heartbeat"),
            "email-to": "owner@example.net",
            "email-from": "neverdark@example.net",
            "email-smarthost": smtp.address,
            "email-require-tls": "false",
        }
        alertmanager = running.enter_context(Alertmanager(tmp_path / "am", secrets, hurry=HURRY))
        yield Stack(alertmanager, http, smtp)


def moment(seconds_ago: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds_ago)).isoformat(timespec="seconds")


def test_a_test_arrives_everywhere_marked_as_one(stack: Stack, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["alert", "test", "--alertmanager", stack.alertmanager.url]
    assert cli.main(command) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert {line for line in out.splitlines() if line.endswith(": sent")} == {
        f"{name}: sent" for name in ("discord", "email", "slack")
    }
    assert "webhook: sent (it, or the heartbeat at the same moment)" in out.splitlines()
    (slack,) = stack.http.at("/slack")
    (attachment,) = slack["attachments"]
    (discord,) = stack.http.at("/discord")
    (embed,) = discord["embeds"]
    (mail,) = stack.smtp.mails
    for title in (attachment["title"], attachment["fallback"], embed["title"], mail["Subject"]):
        assert "TEST: This is a test. Nothing is wrong." in title
    for text in (attachment["text"], embed["description"], part(mail, "plain"), part(mail, "html")):
        assert "neverdark alert test" in text
        assert "What to do" not in text  # there is nothing to do
    (hook,) = stack.http.at("/webhook")
    assert hook["commonLabels"]["alertname"] == "NeverdarkTest"
    assert mail["To"] == "owner@example.net"
    assert not stack.http.at("/heartbeat")  # it beats by itself, and for no other reason

    assert cli.main(command) == 0  # a second one is not held back as a repetition
    assert len(stack.smtp.mails) == 2


def test_what_cannot_be_delivered_is_told(stack: Stack, capfd: pytest.CaptureFixture[str]) -> None:
    stack.http.answer = 404  # a webhook that was deleted
    assert cli.main(["alert", "test", "--alertmanager", stack.alertmanager.url]) == 1
    out, err = capfd.readouterr()
    assert "email: sent" in out.splitlines()
    assert {line.partition(" FAILED")[0] for line in err.splitlines()} == {"discord:", "slack:", "webhook:"}


def test_without_a_receiver_a_test_says_so_and_a_page_disturbs_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Alertmanager(tmp_path / "am", {}) as alertmanager:
        assert cli.main(["alert", "test", "--alertmanager", alertmanager.url + "/"]) == 1
        assert "no receiver is on" in capfd.readouterr().err
        alertmanager.add(*STREAM)


def test_a_page_and_its_end(stack: Stack) -> None:
    began = moment(300)
    stack.alertmanager.add(*STREAM, annotations=ANNOTATIONS, start=began)
    eventually(lambda: stack.smtp.mails and stack.http.at("/slack") and stack.http.at("/discord"), SECONDS, "a page")
    (attachment,) = stack.http.at("/slack")[0]["attachments"]
    (embed,) = stack.http.at("/discord")[0]["embeds"]
    mail = stack.smtp.mails[0]
    assert mail["Subject"] == "PAGE: harbour-cam is off air"
    assert attachment["title"] == embed["title"] == "🔴 PAGE: harbour-cam is off air"
    for text in (attachment["text"], embed["description"], part(mail, "plain"), part(mail, "html")):
        for expected in ("uplink", "neverdark goes on trying", ANNOTATIONS["runbook_url"], "Silence", "Alert since"):
            assert expected in text, text
        assert "<no value>" not in text
    assert (
        "https://alerts.example.net/#/silences/new?filter=%7Balertname%3D%22StreamOffAir%22%2C%20" in attachment["text"]
    )

    # Without dark_for, what is known is how long the alert stood; with it, how long it was dark.
    stack.alertmanager.add(*STREAM, annotations=ANNOTATIONS, start=began, end=moment(0))
    eventually(lambda: len(stack.smtp.mails) > 1, SECONDS, "its end")
    assert stack.smtp.mails[1]["Subject"].startswith("RESOLVED: over after 5m")
    assert "harbour-cam is off air" in stack.smtp.mails[1]["Subject"]


def test_the_end_says_how_long_it_was_dark(stack: Stack) -> None:
    annotations = ANNOTATIONS | {"dark_for": "6m 40s"}
    stack.alertmanager.add(*STREAM, annotations=annotations, start=moment(300))
    eventually(lambda: stack.http.at("/slack"), SECONDS, "a page")
    stack.alertmanager.add(*STREAM, annotations=annotations, start=moment(300), end=moment(0))
    eventually(lambda: len(stack.http.at("/slack")) > 1, SECONDS, "its end")
    (attachment,) = stack.http.at("/slack")[1]["attachments"]
    assert attachment["title"] == "🟢 RESOLVED: harbour-cam was dark for 6m 40s"
    assert "Alert from <!date^" in attachment["text"]
    assert attachment["color"] == "#1f8a4c"


SITE = 'Köln <Hafen> & "Nord" + \\ 1'
TOLD = "What broke: uplink. Latest exits: ingest_closed. Tried: restart_pusher ×3 (process). Now: encoder running. "


def many(count: int, summary: str, description: str) -> list[dict[str, object]]:
    """So many tickets' worth of alerts of one stream, which is called after their number."""
    shared = {"job": "neverdark", "site": SITE, "instance": "10.1.0.11:9833", "stream": f"s{count}"}
    return [
        {
            "labels": shared
            | {"alertname": "KeyRefused", "severity": "page", "scope": "process", "destination": f"d{n}"},
            "annotations": ANNOTATIONS | {"summary": f"{n}. {summary}", "description": f"({n}) {description}"},
        }
        for n in range(count)
    ]


def test_no_message_is_too_long_to_be_taken(stack: Stack) -> None:
    """Discord answers 400 above 4,096 characters, 256 in a title; Alertmanager 0.25 does not try again."""
    groups = {
        1: many(1, "Ж" * 3000, "🎥 *bold* " * 3000),
        5: many(5, "the ingest refuses yt", TOLD * 2),
        14: many(14, "the ingest refuses yt", TOLD * 2),
        60: many(60, "Ж_" * 200, "Ж_" * 2000),
    }
    for alerts in groups.values():
        stack.alertmanager.post(alerts)
    eventually(lambda: min(len(stack.http.at(path)) for path in ("/discord", "/slack")) == 4, SECONDS + 5, "all")
    assert not stack.http.refused
    told = {
        next(count for count in groups if f"s{count}%22" in text): text
        for text in (body["embeds"][0]["description"] for body in stack.http.at("/discord"))
    }
    assert told[1].endswith(")")
    assert TOLD.strip().replace("_", "\\_") in told[5]
    for count in (5, 14, 60):
        whole = told[count].count("Segment: ")
        headlines = told[count].count("**") // 2 - whole  # the segment is bold, too
        more = int(match[1]) if (match := re.search(r"^and (\d+) more$", told[count], re.MULTILINE)) else 0
        assert headlines + more == count, told[count]
        assert whole == (5 if count < 60 else 1)
        assert "[Silence](" in told[count]

    # The link's filter, read as Alertmanager's page does: decodeURIComponent, then each value as JSON.
    link = re.search(r"\[Silence\]\((\S+)\)", told[5])
    assert link
    found = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*")', unquote(link[1].partition("?filter=")[2]))
    common = {"alertname": "KeyRefused", "severity": "page", "scope": "process", "stream": "s5", "site": SITE}
    assert {name: json.loads(value) for name, value in found} == {
        "job": "neverdark",
        "instance": "10.1.0.11:9833",
        **common,
    }
    (html,) = [part(mail, "html") for mail in stack.smtp.mails if "s5%22" in part(mail, "html")]
    hrefs = re.findall(r'href="([^"]*silences[^"]*)"', html)
    assert [unquote(unescape(href)) for href in hrefs] == [unquote(link[1])]


def test_one_message_for_a_site_and_none_for_its_streams(stack: Stack) -> None:
    site = ("job=neverdark", "site=harbour", "severity=page", "scope=site", "alertname=SiteOffline")
    stack.alertmanager.add(*site, annotations={"summary": "The line of harbour is down"})
    stack.alertmanager.add(*STREAM, annotations=ANNOTATIONS)
    stack.alertmanager.add("alertname=StreamOffAir", *PLACE, "stream=two", "severity=page", "scope=stream")
    elsewhere = ("job=neverdark", "instance=b:1", "site=stadium", "stream=three", "severity=page", "scope=stream")
    stack.alertmanager.add("alertname=StreamOffAir", *elsewhere, annotations={"summary": "three is off air"})
    titles = eventually(lambda: len(stack.http.at("/webhook")) > 1 and _alerts(stack), SECONDS, "both pages")
    all_along(lambda: _alerts(stack) == titles, 2, "only they are sent")
    assert titles == {("SiteOffline", None), ("StreamOffAir", "three")}


def test_the_heart_beats(stack: Stack) -> None:
    stack.alertmanager.add("alertname=DeadMansSwitch", "severity=heartbeat", "scope=monitoring")
    eventually(lambda: len(stack.http.at("/heartbeat")) > 1, SECONDS, "two beats")
    assert not stack.http.at("/webhook")
    assert not stack.smtp.mails


def test_neverdark_shows_with_its_incident_who_was_told_and_when_it_was_over(neverdark: Launch, tmp_path: Path) -> None:
    running = neverdark({"harbour-cam": {"command": ["sleep", "1000"]}})
    running.wait_on_air()
    token = running.cli("token", "create", "alertmanager", "--scope", "alerts", "--quiet").stdout.strip()
    os.kill(running.pid("harbour-cam", "command"), signal.SIGKILL)
    (incident,) = eventually(lambda: running.get("/api/incidents").json()["incidents"], SECONDS, "an incident")

    def told() -> list[tuple[str, str, str]]:
        shown = running.get(f"/api/incidents/{incident['id']}").json()["notifications"]
        return [(one["receiver"], one["alert"], one["status"]) for one in shown]

    with HttpSink() as http:
        secrets = {"slack-url": http.url("/slack"), "neverdark-token": token}
        secrets["neverdark-url"] = f"http://127.0.0.1:{running.port}/api/alerts"
        began = moment(0)
        with Alertmanager(tmp_path / "am", secrets, hurry=HURRY) as alertmanager:
            alertmanager.add("alertname=Theirs", "job=mail", "stream=queue", "severity=page")
            alertmanager.add(*STREAM, annotations=ANNOTATIONS, start=began)
            eventually(lambda: told() == [("page", "StreamOffAir", "firing")], SECONDS, "who was told")
            eventually(lambda: len(http.at("/slack")) > 1, SECONDS, "both are told by Slack")
            assert alertmanager.failures() == 0, "others' alerts are taken, too: nothing is tried again"
            alertmanager.add(*STREAM, annotations=ANNOTATIONS, start=began, end=moment(0))
            both = [("page", "StreamOffAir", "firing"), ("page", "StreamOffAir", "resolved")]
            eventually(lambda: told() == both, SECONDS, "and when it was over")
    running.crash()
    running.start()
    assert told() == both, "it is remembered"
    late: dict[str, Any] = {
        "status": "firing",
        "labels": {"alertname": "Late", "scope": "stream", "stream": "harbour-cam"},
    }
    body: dict[str, Any] = {"version": "4", "receiver": "ticket", "alerts": [{**late, "startsAt": began}]}
    bearer = {"Authorization": f"Bearer {token}"}
    answer = requests.post(secrets["neverdark-url"], json=body, headers=bearer, timeout=PATIENCE)
    assert answer.json() == {"noted": 1, "ignored": 0}
    assert told() == [*both, ("ticket", "Late", "firing")], "it began in an incident of the neverdark before"
    measured = re.compile(r"^  harbour-cam: [0-9.]+ % of ", re.MULTILINE)
    eventually(
        lambda: measured.search(running.cli("incidents").stdout), SECONDS, "time on air, from the first second on"
    )
    listed = running.cli("incidents").stdout
    assert re.search(r"^  told page: StreamOffAir, [-0-9]+ [:0-9]+, resolved [-0-9]+ [:0-9]+$", listed, re.MULTILINE)
    known = running.get("/api/alerts?since=2026-01-01T00:00:00Z").json()["notifications"]
    assert {one["alert"] for one in known} == {"StreamOffAir", "Late"}
    assert "told: page ×2, ticket ×1" in running.cli("report", "--timezone", "UTC").stdout
    assert "order" not in running.log(), "nobody has given any"


def _alerts(stack: Stack) -> set[tuple[str, str | None]]:
    found = [alert["labels"] for body in stack.http.at("/webhook") for alert in body["alerts"]]
    return {(labels["alertname"], labels.get("stream")) for labels in found}
