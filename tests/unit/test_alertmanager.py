"""Alertmanager's configuration: every alert has its way, every receiver its switch, every message its words."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
import yaml

from supervisor import cli
from tests.unit.small_server import nobody, serving

ROOT = Path(__file__).parents[2]
HERE = ROOT / "alertmanager"
BASE = HERE / "alertmanager.yml"
CONFIG = yaml.safe_load(BASE.read_text(encoding="utf-8"))
README = (HERE / "README.md").read_text(encoding="utf-8")
ALERTS = [
    rule
    for file in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
    for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
]
NAMES = [rule["alert"] for rule in ALERTS]


def run(*command: object, code: int = 0) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


# --- routes ----------------------------------------------------------------------------------------


def test_it_loads() -> None:
    assert "SUCCESS" in run("amtool", "check-config", BASE)


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_every_alert_goes_where_its_severity_says(alert: dict[str, Any]) -> None:
    labels = {"alertname": alert["alert"], "stream": "a", **alert["labels"]}
    assert alert["labels"]["severity"] in {"page", "ticket", "info", "heartbeat"}  # each has a receiver of its name
    pairs = [f"{name}={value}" for name, value in labels.items()]
    # A new address is not for the heap of what is only worth looking up.
    to = "news" if alert["alert"] == "YouTubeNewAddress" else alert["labels"]["severity"]
    receiver = f"--verify.receivers={to}"
    run("amtool", "config", "routes", "test", f"--config.file={BASE}", receiver, *pairs)


@pytest.mark.parametrize(
    ("receiver", "labels"),
    [("test", ["alertname=NeverdarkTest", "severity=page"]), ("ticket", ["alertname=Yours", "severity=critical"])],
)
def test_a_test_goes_to_everybody_and_what_nobody_knows_is_not_lost(receiver: str, labels: list[str]) -> None:
    run("amtool", "config", "routes", "test", f"--config.file={BASE}", f"--verify.receivers={receiver}", *labels)


# --- inhibition ------------------------------------------------------------------------------------

# What tells alerts of one scope apart; a matcher of `equal` finds a label that neither has to be equal, too.
PLACE = {"job": "neverdark", "site": "harbour", "instance": "a:1", "stream": "a", "role": "pusher", "destination": "d"}
OF_SCOPE = {
    "job": ["job"],
    "site": ["job", "site"],
    "instance": ["job", "site", "instance"],
    "stream": ["job", "site", "instance", "stream"],
    "process": list(PLACE),
    "destination": ["job", "site", "instance", "stream", "destination"],
    "monitoring": [],
}


def labels_of(name: str, **other: str) -> dict[str, str]:
    rule = next(rule for rule in ALERTS if rule["alert"] == name)
    place = {label: (PLACE | other)[label] for label in OF_SCOPE[rule["labels"]["scope"]]}
    return {"alertname": name, **place, **rule["labels"]}


def matches(matchers: list[str], labels: Mapping[str, str]) -> bool:
    for matcher in matchers:
        found = re.fullmatch(r'(\w+)(=~?)"(.*)"', matcher)
        assert found, matcher
        name, operator, value = found.groups()
        if not re.fullmatch(value if operator == "=~" else re.escape(value), labels.get(name, "")):
            return False
    return True


def inhibits(source: Mapping[str, str], target: Mapping[str, str]) -> bool:
    return any(
        matches(rule["source_matchers"], source)
        and matches(rule["target_matchers"], target)
        and all(source.get(name) == target.get(name) for name in rule["equal"])
        for rule in CONFIG["inhibit_rules"]
    )


PAGES = [rule["alert"] for rule in ALERTS if rule["labels"]["severity"] == "page"]
SYMPTOMS = [rule["alert"] for rule in ALERTS if "symptom" in rule["labels"]]
OF_STREAMS = [name for name in PAGES if "stream" in labels_of(name)]
NARROW = [name for name in OF_STREAMS if name != "StreamOffAir"]


@pytest.mark.parametrize("wide", ["NeverdarkAllDown", "SiteOffline", "NeverdarkDown", "FleetOffAir"])
def test_the_wider_page_holds_back_what_it_explains(wide: str) -> None:
    for narrow in OF_STREAMS + SYMPTOMS:
        assert inhibits(labels_of(wide), labels_of(narrow)), narrow
        assert not inhibits(labels_of(wide), labels_of(narrow) | {"job": "other"}), narrow
    for other in ("DataDirNearlyFull", "WatchdogNotRunning", "DeadMansSwitch"):
        assert not inhibits(labels_of(wide), labels_of(other)), other


@pytest.mark.parametrize("narrow", NARROW + SYMPTOMS)
def test_a_stream_off_air_holds_back_what_explains_it_and_no_other_stream(narrow: str) -> None:
    assert inhibits(labels_of("StreamOffAir"), labels_of(narrow))
    assert not inhibits(labels_of("StreamOffAir", stream="b"), labels_of(narrow))


def test_a_page_of_a_destination_holds_back_its_symptoms_and_no_others() -> None:
    assert inhibits(labels_of("KeyRefused"), labels_of("BudgetSpent"))
    assert inhibits(labels_of("KeyRefused"), labels_of("DestinationDown"))
    assert not inhibits(labels_of("KeyRefused", destination="backup"), labels_of("DestinationDown"))


def test_what_else_is_told_apart() -> None:
    assert inhibits(labels_of("NeverdarkAllDown"), labels_of("NeverdarkDown"))
    assert inhibits(labels_of("SiteOffline"), labels_of("FleetOffAir"))
    assert inhibits(labels_of("NeverdarkDown"), labels_of("FleetOffAir"))
    assert not inhibits(labels_of("SiteOffline"), labels_of("NeverdarkDown"))
    assert not inhibits(labels_of("SiteOffline"), labels_of("StreamOffAir", site="stadium"))
    assert not inhibits(labels_of("FleetOffAir"), labels_of("StreamOffAir", instance="b:1"))


def test_a_line_whose_site_has_no_name_is_that_of_one_neverdark() -> None:
    def of(name: str, instance: str) -> dict[str, str]:
        return {label: value for label, value in labels_of(name, instance=instance).items() if label != "site"}

    line = labels_of("FleetOffAir") | {"alertname": "SiteOffline", "scope": "instance"}
    del line["site"]
    for narrow in ("FleetOffAir", *OF_STREAMS, *SYMPTOMS):
        assert inhibits(line, of(narrow, "a:1")), narrow
        assert not inhibits(line, of(narrow, "b:1")), narrow
    assert not inhibits(line, of("NeverdarkDown", "a:1"))


def test_no_two_alerts_hold_back_each_other_and_none_holds_back_itself() -> None:
    for one in NAMES:
        for other in NAMES:
            assert not (inhibits(labels_of(one), labels_of(other)) and inhibits(labels_of(other), labels_of(one)))


def test_only_pages_hold_anything_back() -> None:
    for name in set(NAMES) - set(PAGES):
        assert not any(inhibits(labels_of(name), labels_of(other)) for other in NAMES), name


# --- receivers -------------------------------------------------------------------------------------

# All files of each receiver, with values that Alertmanager takes.
FILES: dict[str, dict[str, str]] = {
    "discord": {"discord-url": "https://discord.example/hooks/1/s3cret-&-\\1"},
    "email": {
        "email-to": "owner@example.net, other@example.net",
        "email-from": "neverdark@example.net",
        "email-smarthost": "mail.example.net:587",
        "email-user": "o'brien",
        "email-password": "s3cret",
        "email-require-tls": "true",
    },
    "heartbeat": {"heartbeat-url": "https://beat.example/s3cret"},
    "neverdark": {"neverdark-url": "http://neverdark.example:9833/api/alerts", "neverdark-token": "nd_s3cret"},
    "pagerduty": {"pagerduty-key": "s3cret"},
    "slack": {"slack-url": "https://slack.example/s3cret", "slack-channel": "#alerts"},
    "sns": {
        "sns-region": "eu-west-1",
        "sns-phone": "+4915100000000",
        "sns-access-key": "AKs3cret",
        "sns-secret-key": "s3cret",
    },
    "telegram": {"telegram-token": "1:s3cret", "telegram-chat": "-100123"},
    "webhook": {"webhook-url": "https://hook.example/s3cret"},
}
BESIDE = "neverdark"  # is nobody who could be told
KIND = {name: "webhook_configs" if name in {"heartbeat", BESIDE} else f"{name}_configs" for name in FILES}
USED = {name: {"page", "ticket", "news", "test"} for name in FILES} | {
    "heartbeat": {"heartbeat"},
    "pagerduty": {"page", "test"},
    "sns": {"page", "test"},
}
EVERYTHING = {name: value for files in FILES.values() for name, value in files.items()}


def make(
    room: Path, files: Mapping[str, str], *command: str, code: int = 0, here: Path = HERE
) -> tuple[str, dict[str, dict[str, Any]]]:
    """What receivers.sh says, and the receivers that it makes."""
    secrets, out = room / "secrets", room / "out.yml"
    secrets.mkdir(exist_ok=True)
    for name, value in files.items():
        (secrets / name).write_text(value + "\r\n")
    said = run("sh", here / "receivers.sh", secrets, out, *command, code=code)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "s3cret" not in said
    run("amtool", "check-config", out)
    made = yaml.safe_load(out.read_text(encoding="utf-8"))
    assert {key: value for key, value in made.items() if key not in {"receivers", "templates"}} == {
        key: value for key, value in CONFIG.items() if key not in {"receivers", "templates"}
    }
    return said, {receiver.pop("name"): receiver for receiver in made["receivers"]}


def test_the_receivers_are_all_known_here_and_to_the_reader() -> None:
    assert {file.stem for file in (HERE / "receivers.d").glob("*.yml")} == set(FILES)
    for name in (*FILES, *EVERYTHING, "sns-topic"):
        assert f"`{name}`" in README


def test_nothing_set_sends_nothing(tmp_path: Path) -> None:
    said, receivers = make(tmp_path, {})
    assert receivers == {name: {} for name in ("page", "ticket", "info", "news", "heartbeat", "test")}
    assert len(re.findall(r"^\w+: off \(needs", said, re.MULTILINE)) == len(FILES)
    assert CONFIG["receivers"] == [{"name": name} for name in receivers]  # as the repository has it


@pytest.mark.parametrize("name", [name for name in FILES if name != BESIDE])
def test_a_receiver_is_on_with_its_files_and_alone(name: str, tmp_path: Path) -> None:
    said, receivers = make(tmp_path, FILES[name])
    assert f"{name}: on, for " in said
    assert {receiver for receiver, kinds in receivers.items() if kinds} == USED[name]
    assert all(list(kinds) == [KIND[name]] for kinds in receivers.values() if kinds)
    text = (tmp_path / "out.yml").read_text()
    assert "'@" not in text
    for file, value in FILES[name].items():
        assert value.replace("'", "''") in text or str(tmp_path / "secrets" / file) in text


def test_neverdark_hears_of_it_only_where_somebody_else_is_told(tmp_path: Path) -> None:
    said, receivers = make(tmp_path, FILES[BESIDE])
    assert "neverdark: on, for page ticket, beside others" in said
    assert not any(receivers.values()), "nobody would be told"
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    _, receivers = make(tmp_path / "a", FILES[BESIDE] | FILES["pagerduty"])
    assert {receiver for receiver, kinds in receivers.items() if "webhook_configs" in kinds} == {"page", "test"}
    (hook,) = receivers["page"]["webhook_configs"]
    assert hook["url"] == FILES[BESIDE]["neverdark-url"]
    token = hook["http_config"]["authorization"]["credentials_file"]
    assert Path(token).read_text().strip() == "nd_s3cret"
    _, receivers = make(tmp_path / "b", FILES[BESIDE] | FILES["heartbeat"])
    assert {receiver for receiver, kinds in receivers.items() if kinds} == {"heartbeat"}
    without = {"neverdark-url": FILES[BESIDE]["neverdark-url"]}
    _, receivers = make(tmp_path / "c", without | FILES["slack"])
    (hook,) = receivers["page"]["webhook_configs"]
    assert not hook["http_config"]["authorization"], "where there is no token, none is needed"


def test_all_at_once_and_again_with_none(tmp_path: Path) -> None:
    _, receivers = make(tmp_path, EVERYTHING)
    assert set(receivers["page"]) == set(KIND.values())
    assert len(receivers["page"]["webhook_configs"]) == 2  # a webhook's own, and neverdark's
    (telegram,) = receivers["page"]["telegram_configs"]
    assert telegram["chat_id"] == -100123
    (email,) = receivers["page"]["email_configs"]
    assert email["auth_username"] == "o'brien"
    assert email["require_tls"] is True
    shutil.rmtree(tmp_path / "secrets")
    _, receivers = make(tmp_path, {})
    assert not any(receivers.values())


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"email-to": "owner@example.net"}, "email: OFF, it has email-to, and lacks email-from email-smarthost"),
        ({"discord-url": "ftp:no-s3cret"}, "secrets/discord-url is not one line with a URL"),
        ({"discord-url": '"https://d.example/s3cret"'}, "secrets/discord-url is not one line with a URL"),
        ({"discord-url": "# Discord\nhttps://d.example/s3cret"}, "secrets/discord-url is not one line with a URL"),
        (FILES["email"] | {"email-require-tls": "no"}, "secrets/email-require-tls is neither true nor false"),
        (FILES["telegram"] | {"telegram-chat": "s3cret"}, "telegram: OFF, Alertmanager would refuse"),
        ({"discord-url": ""}, "secrets/discord-url is not one line with a URL"),  # a line, and nothing in it
    ],
)
def test_one_that_is_wrong_stays_off_and_says_why_while_the_others_are_on(
    wrong: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    said, receivers = make(tmp_path, FILES["slack"] | wrong, code=1)
    assert complaint in said
    assert list(receivers["page"]) == ["slack_configs"]


@pytest.mark.parametrize("words", ["info page", "page,info", "page, info", "page\ninfo", "\tpage\tinfo "])
def test_what_a_receiver_is_for_can_be_said_in_a_file(words: str, tmp_path: Path) -> None:
    said, receivers = make(tmp_path, FILES["slack"] | {"slack-for": words})
    assert {name for name, kinds in receivers.items() if kinds} == {"info", "news", "page", "test"}
    assert re.search(r"^slack: on, for (info page|page info)$", said, re.MULTILINE)


def test_news_go_to_those_who_are_for_tickets_or_info_and_are_never_over(tmp_path: Path) -> None:
    _, receivers = make(tmp_path, EVERYTHING | {"telegram-for": "page"})
    assert set(receivers["news"]) == set(KIND.values()) - {"pagerduty_configs", "sns_configs", "telegram_configs"}
    for name, ends in (("page", True), ("ticket", True), ("news", False)):
        every = [one for kind in receivers[name].values() for one in kind]
        assert {one["send_resolved"] for one in every} == {ends}, name


@pytest.mark.parametrize("words", ["pages", "Page", '"page"', "info pag", "\n"])
def test_a_slip_of_the_pen_in_it_keeps_pages_from_nobody(words: str, tmp_path: Path) -> None:
    said, receivers = make(tmp_path, FILES["slack"] | {"slack-for": words}, code=1)
    assert "slack: slack-for cannot be read, or says other things than page ticket info heartbeat" in said
    assert "slack: on, for page ticket\n" in said
    assert {name for name, kinds in receivers.items() if kinds} == USED["slack"]


@pytest.mark.parametrize(
    ("file", "right", "mistake", "told"),
    [
        ("alertmanager.yml", "group_wait: 5s", "group_wait: 5", "not a valid duration"),
        ("alertmanager.yml", "  - name: page\n", "  - name: page # pages\n", "it needs the line '  - name: page'"),
        ("templates/common.tmpl", "{{- end }}", "{{- endd }}", "endd"),
    ],
)
def test_what_is_wrong_with_the_rest_is_blamed_on_no_receiver(
    file: str, right: str, mistake: str, told: str, tmp_path: Path
) -> None:
    here = shutil.copytree(HERE, tmp_path / "alertmanager", ignore=shutil.ignore_patterns("secrets"))
    make(tmp_path, FILES["slack"], here=here)
    before = (tmp_path / "out.yml").read_text()
    text = (here / file).read_text(encoding="utf-8")
    assert right in text
    (here / file).write_text(text.replace(right, mistake, 1), encoding="utf-8")
    script = (here / "receivers.sh", tmp_path / "secrets", tmp_path / "out.yml")
    said = run("sh", *script, code=2)
    assert told in said
    assert "OFF" not in said
    assert (tmp_path / "out.yml").read_text() == before
    assert "here I am" in run("sh", *script, "echo", "here I am")  # with what it had


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_secrets_that_nobody_may_enter_do_not_keep_alertmanager_from_its_start(tmp_path: Path) -> None:
    make(tmp_path, FILES["slack"])
    shutil.copytree(HERE, tmp_path / "am", ignore=shutil.ignore_patterns("secrets"))
    (tmp_path / "secrets").chmod(0o700)
    (tmp_path / "made").mkdir()
    for folder in (tmp_path, tmp_path / "am", *tmp_path.parents):
        if folder.is_relative_to(tmp_path.parents[2]):
            folder.chmod(folder.stat().st_mode | 0o055)
    (tmp_path / "made").chmod(0o777)
    said = run(
        *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", tmp_path / "am" / "receivers.sh"),
        *(tmp_path / "secrets", tmp_path / "made" / "out.yml", "echo", "here I am"),
    )
    assert "cannot enter" in said
    assert "every receiver is OFF" in said
    assert "here I am" in said


def test_a_second_one_of_a_kind(tmp_path: Path) -> None:
    here = shutil.copytree(HERE, tmp_path / "alertmanager", ignore=shutil.ignore_patterns("secrets"))
    slack = (here / "receivers.d" / "slack.yml").read_text(encoding="utf-8")
    (here / "receivers.d" / "slack-ops2.yml").write_text(slack.replace("slack-", "slack-ops2-"), encoding="utf-8")
    _, receivers = make(tmp_path, FILES["slack"] | {"slack-ops2-url": "https://slack.example/s3cret-2"}, here=here)
    urls = [Path(each["api_url_file"]).name for each in receivers["page"]["slack_configs"]]
    assert urls == ["slack-ops2-url", "slack-url"]


def test_it_becomes_the_program_that_it_is_to_start_even_if_a_receiver_is_wrong(tmp_path: Path) -> None:
    said, _ = make(tmp_path, {"email-to": "a@example.net"}, "echo", "here I am")
    assert said.startswith("here I am\n") or "\nhere I am\n" in said


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    for arguments in ([], [tmp_path / "nowhere", tmp_path / "out.yml"]):
        assert "usage: " in run("sh", HERE / "receivers.sh", *arguments, code=2)
    run("sh", HERE / "receivers.sh", tmp_path, tmp_path / "nowhere" / "out.yml", code=2)


def test_what_lies_in_secrets_cannot_be_committed() -> None:
    assert {file.name for file in (HERE / "secrets").iterdir()} >= {".gitignore"}
    assert (HERE / "secrets" / ".gitignore").read_text().splitlines()[-2:] == ["*", "!.gitignore"]


# --- messages --------------------------------------------------------------------------------------

TEXTS = (
    "subject text short slack.title slack.text discord.title discord.message footer link silence".split()  # noqa: SIM905
)
DARK = {"since": "2026-11-23 18:29:05 +0000 UTC", "dark_for": "12m 30s", "segment": "uplink"}


def message(*alerts: dict[str, Any]) -> dict[str, Any]:
    labels, annotations = ([alert[which] for alert in alerts] for which in ("labels", "annotations"))
    firing = any(alert["status"] == "firing" for alert in alerts)
    group = {name: labels[0][name] for name in ("job", "site", "instance", "stream") if name in labels[0]}
    return {
        "receiver": "page",
        "status": "firing" if firing else "resolved",
        "alerts": alerts,
        "groupLabels": group,
        "commonLabels": dict(set.intersection(*(set(each.items()) for each in labels))),
        "commonAnnotations": dict(set.intersection(*(set(each.items()) for each in annotations))),
        "externalURL": "https://alerts.example.net",
    }


def alert(name: str, status: str = "firing", **annotations: str) -> dict[str, Any]:
    labels = {"alertname": name, "severity": "page"} if name == "NeverdarkTest" else labels_of(name)
    return {
        "status": status,
        "labels": labels,
        "annotations": {"summary": f"{name} <&_happened>"} | annotations,
        "startsAt": "2026-11-23T18:31:08Z",
        "endsAt": "2026-11-23T18:42:15.4Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "http://127.0.0.1/",
        "fingerprint": "0",
    }


def render(room: Path, what: dict[str, Any], *, html: bool = False) -> dict[str, str]:
    """Name of the template → what it makes of a message."""
    data = room / "data.json"
    data.write_text(json.dumps(what))
    names = ["email.html"] if html else list(TEXTS)
    command = ["amtool", "template", "render", f"--template.glob={HERE}/templates/*.tmpl", f"--template.data={data}"]
    command += [f"--template.type={'html' if html else 'text'}", "--template.text"]
    made = run(*command, "\f".join(f'{{{{ template "neverdark.{name}" . }}}}' for name in names))
    assert "no value" not in made
    assert "ZgotmplZ" not in made  # what html/template makes of what it does not trust
    return dict(zip(names, made.split("\f"), strict=True))


LINKS = {"runbook_url": "https://git.example.net/runbooks.md#x", "dashboard": "https://grafana.example.net/d/x?a=b&c=d"}
MESSAGES = {
    "a page": [alert("StreamOffAir", description="Dark. neverdark goes on trying.", **DARK, **LINKS)],
    "its end": [alert("StreamOffAir", "resolved", description="It was dark.", **DARK, **LINKS)],
    "bare": [alert("NeverdarkAllDown")],
    "a ticket": [alert("DataDirNearlyFull", description="1 < 2", runbook_url="docs/runbooks.md#x")],
    "without any label to group by": [alert("DeadMansSwitch")],
    "several": [alert("KeyRefused", **LINKS), alert("StreamOffAir", **DARK), alert("KeyRefused", "resolved")],
    "a test": [alert("NeverdarkTest", description="Where you read this, pages arrive.")],
    "the end of a test": [alert("NeverdarkTest", "resolved")],
}


@pytest.mark.parametrize("which", MESSAGES)
@pytest.mark.parametrize("html", [False, True], ids=["text", "html"])
def test_every_message_can_be_made(which: str, html: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    alerts = MESSAGES[which]
    for name, made in render(tmp_path, message(*alerts), html=html).items():
        assert made.strip(), name
        if which.endswith("a test") and name in {
            "subject",
            "text",
            "short",
            "slack.title",
            "discord.title",
            "email.html",
        }:
            assert "TEST" in made, name


def test_a_page_says_what_since_when_what_broke_what_is_done_and_where_to_read_on(tmp_path: Path) -> None:
    data = message(*MESSAGES["a page"])
    texts = render(tmp_path, data)
    assert texts["subject"] == "PAGE: StreamOffAir <&_happened>"
    assert texts["short"] == "PAGE: StreamOffAir <&_happened>, segment uplink, dark for 12m 30s"
    assert texts["slack.title"].startswith("🔴")
    for name, made in {**texts, **render(tmp_path, data, html=True)}.items():
        if name in {"text", "slack.text", "discord.message", "email.html"}:
            for expected in ("uplink", "neverdark goes on trying", "Alert since", *LINKS.values(), "/#/silences/new"):
                assert expected in made.replace("&amp;", "&"), name
    assert "<!date^1795458668^" in texts["slack.text"]
    assert "<t:1795458668:R>" in texts["discord.message"]
    assert texts["link"] == LINKS["dashboard"]


def test_the_end_says_how_long_it_was_dark(tmp_path: Path) -> None:
    assert render(tmp_path, message(*MESSAGES["its end"]))["subject"] == "RESOLVED: a was dark for 12m 30s"


def test_the_end_of_what_was_not_dark_says_how_long_it_lasted(tmp_path: Path) -> None:
    ended = render(tmp_path, message(alert("DataDirNearlyFull", "resolved")))
    assert ended["subject"] == "RESOLVED: over after 11m7s: DataDirNearlyFull <&_happened>"
    assert "Silence" not in ended["slack.text"] + ended["text"]


def test_markup_in_a_text_is_text(tmp_path: Path) -> None:
    data = message(*MESSAGES["several"])
    texts = render(tmp_path, data)
    assert "*KeyRefused &lt;&amp;_happened&gt;*" in texts["slack.text"]
    assert "**KeyRefused <&\\_happened>**" in texts["discord.message"]
    assert "KeyRefused &lt;&amp;_happened&gt;" in render(tmp_path, data, html=True)["email.html"]


def test_a_silence_is_for_this_message_and_for_no_other(tmp_path: Path) -> None:
    """A ticket's must not hold back a page, a page's not those of other machines."""
    for name in ("AvailabilityBurnFast", "ReloadFailed", "DestinationDown", "NeverdarkAllDown", "StreamOffAir"):
        made = render(tmp_path, message(alert(name)))["silence"]
        url, _, filled = unquote_plus(made).partition("?filter=")
        assert url == "https://alerts.example.net/#/silences/new"
        matchers = filled.strip("{}").split(", ")
        for other in NAMES:
            labels = labels_of(other)
            assert matches(matchers, labels) == (other == name), other
    several = message(alert("StreamOffAir"), alert("KeyRefused"))
    matchers = unquote_plus(render(tmp_path, several)["silence"]).partition("?filter=")[2].strip("{}").split(", ")
    held = {name for name in NAMES if matches(matchers, labels_of(name))}
    assert held == set(OF_STREAMS)  # every page of this stream, and no ticket


def test_the_end_of_what_was_wide_says_how_long_the_longest_was_dark(tmp_path: Path) -> None:
    assert render(tmp_path, message(alert("FleetOffAir", "resolved", dark_for="4m 51s")))["subject"] == (
        "RESOLVED: streams of a:1 were dark for up to 4m 51s"
    )
    assert render(tmp_path, message(alert("SiteOffline", "resolved", dark_for="4m 51s")))["subject"] == (
        "RESOLVED: streams of harbour were dark for up to 4m 51s"
    )


def test_what_is_no_url_is_not_made_a_link(tmp_path: Path) -> None:
    data = message(*MESSAGES["a ticket"])
    assert "What to do: docs/runbooks.md#x" in render(tmp_path, data)["slack.text"]
    assert 'href="docs' not in render(tmp_path, data, html=True)["email.html"]


def units(text: str) -> int:
    """How long a text is where a character beyond U+FFFF counts twice."""
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("text", ["x" * 9000, "*&" * 4000, "ü" * 9000, "🎥" * 9000, "short"], ids=lambda text: text[:2])
@pytest.mark.parametrize("count", [1, 5, 60])
def test_every_message_ends_where_the_platform_wants_it(count: int, text: str, tmp_path: Path) -> None:
    links = {"runbook_url": "https://docs.example.net/" + text, "dashboard": "https://grafana.example.net/" + text}
    notes = {"summary": text, "description": text, "segment": text, "dark_for": text, **links}
    alerts = [alert("KeyRefused", **notes) for _ in range(count)]
    for status in ("firing", "resolved"):
        for one in alerts:
            one["status"] = status
            one["endsAt"] = "2026-11-23T18:42:15.4Z"
            one["labels"] |= {"site": text, "severity": "page"}
        made = render(tmp_path, message(*alerts))
        assert max(units(made[name]) for name in ("discord.title", "slack.title", "subject")) <= 256  # PagerDuty: 1,024
        assert units(made["discord.message"]) <= 4096
        assert units(made["text"]) <= 4096  # Telegram
        assert units(made["slack.text"]) <= 4096
        assert units(made["short"]) <= (160 if made["short"].isascii() else 70)


@pytest.mark.parametrize("base", ["", "http://localhost:3000", "http://127.0.0.1:3000"])
def test_a_link_that_leads_nowhere_is_left_out(base: str, tmp_path: Path) -> None:
    notes = {"runbook_url": f"{base}/runbooks.md#x", "dashboard": f"{base}/d/neverdark-self"}
    data = message(alert("StreamOffAir", **notes))
    for name, made in {**render(tmp_path, data), **render(tmp_path, data, html=True)}.items():
        assert "What to do" not in made, name
        assert "Dashboard" not in made, name
        assert "/d/neverdark-self" not in made, name


def test_no_template_that_a_receiver_names_is_missing() -> None:
    named = {
        name
        for file in [*(HERE / "receivers.d").iterdir(), *(HERE / "templates").iterdir()]
        for name in re.findall(r'\{\{-? *template "([^"]+)"', file.read_text(encoding="utf-8"))
    }
    made = {
        name
        for file in (HERE / "templates").iterdir()
        for name in re.findall(r'\{\{ define "([^"]+)"', file.read_text(encoding="utf-8"))
    }
    assert named <= made


# --- neverdark alert test: what goes wrong ---------------------------------------------------------


def answering(*answers: tuple[str, str]) -> Any:
    """Answers one request after the other: status line, body."""
    left = list(answers)

    def talk(client: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(65536)
        length = re.search(rb"Content-Length: (\d+)", request)
        while length and len(request.partition(b"\r\n\r\n")[2]) < int(length[1]):
            request += client.recv(65536)
        status, body = left.pop(0)
        client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())

    return serving(talk)


def status_of(configuration: str) -> tuple[str, str]:
    return "200 OK", json.dumps({"config": {"original": configuration}})


ON = status_of("receivers: [{name: page, slack_configs: [{}]}, {name: test, slack_configs: [{}]}]")
NO_METRICS = ("200 OK", "")
NO_SILENCE = ("200 OK", "[]")


def sent(slack: int, failed: int = 0) -> tuple[str, str]:
    name = "alertmanager_notification_requests"
    return "200 OK", (
        f'{name}_total{{integration="slack"}} {slack}\n{name}_total{{integration="email"}} 9\n'
        f'{name}_failed_total{{integration="slack",receiver_name="test"}} {failed}\n'
    )


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ([("404 Not Found", "no such page")], "/api/v2/status answers 404: no such page"),
        ([("200 OK", "<html>")], "answers, but not as an Alertmanager does"),
        ([("200 OK", "{}")], "answers, but not as an Alertmanager does"),
        ([ON, ("200 OK", "[{}]")], "answers, but not as an Alertmanager does"),
        ([status_of("receivers: [{name: page}, {name: test}]"), NO_SILENCE], "no receiver is on at http"),
        ([ON, NO_SILENCE, NO_METRICS, ("400 Bad Request", "label\nname")], "/api/v2/alerts answers 400: label name"),
        ([ON, NO_SILENCE, sent(7), NO_METRICS, sent(8, 1)], "slack: FAILED; Alertmanager's log says why"),
        ([ON, NO_SILENCE, sent(7), NO_METRICS, sent(7)], "slack: not sent within 0 s"),
        (
            [
                status_of("receivers: [{name: page}, {name: test, slack_configs: [{}]}]"),
                NO_SILENCE,
                sent(7),
                NO_METRICS,
                sent(8),
            ],
            "a page would reach nobody",
        ),
    ],
)
def test_what_goes_wrong_is_said_and_is_exit_code_1(
    answers: list[tuple[str, str]], complaint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with answering(*answers) as address:
        assert cli.main(["alert", "test", "--alertmanager", f"http://{address}", "--wait", "0"]) == 1
    assert complaint in capfd.readouterr().err


def test_sent_is_exit_code_0(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(ON, NO_SILENCE, sent(7), NO_METRICS, sent(7), sent(8)) as address:
        monkeypatch.setenv("NEVERDARK_ALERTMANAGER", f"http://{address}/")
        assert cli.main(["alert", "test"]) == 0
    assert capfd.readouterr().out.splitlines()[1:] == ["slack: sent"]


def test_a_password_in_the_url_is_used_and_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with answering(ON, NO_SILENCE, sent(7), NO_METRICS, ("401 Unauthorized", "")) as address:
        assert cli.main(["alert", "test", "--alertmanager", f"http://me:pass@word@{address}"]) == 1
    said = "".join(capfd.readouterr())
    assert f"http://{address}/metrics answers 401" in said
    assert "word" not in said


def test_what_the_test_cannot_tell_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    """A heartbeat goes the same way; and a silence would hold the page back for which this stands."""
    both = (
        "[{name: page, slack_configs: [{}]}, {name: heartbeat, slack_configs: [{}]}, {name: test, slack_configs: [{}]}]"
    )
    silences = [
        {
            "status": {"state": state},
            "matchers": [{"name": "stream", "value": "a.*", "isRegex": True, "isEqual": True}],
            "endsAt": "2026-11-25T18:00:00Z",
        }
        for state in ("active", "expired")
    ]
    answers = (status_of(f"receivers: {both}"), ("200 OK", json.dumps(silences)), sent(7), NO_METRICS, sent(8))
    with answering(*answers) as address:
        assert cli.main(["alert", "test", "--alertmanager", f"http://{address}"]) == 0
    said = capfd.readouterr().out.splitlines()
    assert said[0] == 'silenced: what matches {stream=~"a.*"} until 2026-11-25T18:00:00Z is not sent'
    assert said[2:] == ["slack: sent (it, or the heartbeat at the same moment)"]


def test_a_configuration_of_somebody_elses_gets_the_message_too(capfd: pytest.CaptureFixture[str]) -> None:
    with answering(status_of("receivers: [{name: theirs}]"), NO_SILENCE, NO_METRICS, NO_METRICS) as address:
        assert cli.main(["alert", "test", "--alertmanager", f"http://{address}"]) == 0
    assert "has no receiver called test" in capfd.readouterr().out


def test_nobody_there_is_exit_code_1_and_no_url_is_2(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["alert", "test", "--alertmanager", f"http://{nobody()}"]) == 1
    assert "no Alertmanager answers at http://127.0.0.1:" in capfd.readouterr().err
    assert cli.main(["alert", "test", "--alertmanager", "127.0.0.1:9093"]) == 2
    assert "is no URL of an Alertmanager" in capfd.readouterr().err
