"""`neverdark alert test`: a marked message through Alertmanager to every receiver that is on.

It looks at what Alertmanager runs with, sends, and then reads from Alertmanager's own counters whether the message was
taken off its hands. What goes wrong is said in words for the person at the terminal.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import yaml

from supervisor.commands.parser import DEFAULT_ALERTMANAGER

ALERT = "NeverdarkTest"
# Receivers of alertmanager/alertmanager.yml. A test goes to whoever is on, but for the heartbeat.
RECEIVER, PAGE, HEARTBEAT = "test", "page", "heartbeat"

_DONE, _FAILED, _WRONG = 0, 1, 2
_TIMEOUT = 5.0
_PAUSE = 0.2
_COUNTER = re.compile(r"alertmanager_notification_requests(_failed)?_total\{(.*)\} (\S+)")
_USER = re.compile(r"//[^/]*@")  # user and password, which may hold an @
_INTEGRATION = re.compile(r'integration="([^"]*)"')


class AlertmanagerError(Exception):
    """An Alertmanager that cannot be reached, or that refused; the text is for the person at the terminal."""


class Alertmanager:
    """A running Alertmanager. Every method raises `AlertmanagerError`. `url` is for showing: no password is in it."""

    def __init__(self, url: str) -> None:
        self._base = url.rstrip("/")
        self.url = _USER.sub("//", self._base)
        self._session = requests.Session()
        self._session.trust_env = False  # as for neverdark itself: what is meant is named, no proxy stands between

    def configuration(self) -> Any:
        """What it runs with, secrets blanked; None if it does not say."""
        answer = self._call("GET", "/api/v2/status")
        try:
            return yaml.safe_load(answer.json()["config"]["original"])
        except (ValueError, LookupError, TypeError, yaml.YAMLError):
            raise AlertmanagerError(f"{self.url} answers, but not as an Alertmanager does") from None

    def counters(self) -> tuple[Counter[str], Counter[str]]:
        """For each integration: how many messages were sent since it started, how many attempts failed."""
        total: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        for match in _COUNTER.finditer(self._call("GET", "/metrics").text):
            if integration := _INTEGRATION.search(match[2]):
                (failed if match[1] else total)[integration[1]] += round(float(match[3]))
        return total - failed, failed

    def silences(self) -> list[str]:
        """What is held back now by somebody's order: matchers, and until when."""
        try:
            return [
                f"{{{', '.join(map(_shown, silence['matchers']))}}} until {silence['endsAt']}"
                for silence in self._call("GET", "/api/v2/silences").json()
                if silence["status"]["state"] == "active"
            ]
        except (ValueError, LookupError, TypeError):
            raise AlertmanagerError(f"{self.url} answers, but not as an Alertmanager does") from None

    def send(self, labels: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        """Raise an alert. When it began is for Alertmanager's clock to say, and that it ends after resolve_timeout."""
        self._call("POST", "/api/v2/alerts", [{"labels": labels, "annotations": annotations}])

    def _call(self, method: str, path: str, body: Any = None) -> requests.Response:
        try:
            answer = self._session.request(method, self._base + path, json=body, timeout=_TIMEOUT)
        except requests.ConnectionError:
            raise AlertmanagerError(
                f"no Alertmanager answers at {self.url}; is it running? (--alertmanager URL or NEVERDARK_ALERTMANAGER "
                "names another)"
            ) from None
        except requests.RequestException as error:
            raise AlertmanagerError(f"{self.url}: {type(error).__name__}") from None
        if not answer.ok:
            said = " ".join(answer.text.split())[:200]
            raise AlertmanagerError(f"{self.url}{path} answers {answer.status_code}" + f": {said}" * bool(said))
        return answer


def send_test(url: str | None, wait: float) -> int:
    """Send the message; exit code 0 when every receiver that is on took it, 1 when not, 2 for a URL that is none."""
    url = url or os.environ.get("NEVERDARK_ALERTMANAGER") or DEFAULT_ALERTMANAGER
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
        print(
            f"neverdark: {url!r} is no URL of an Alertmanager: expected {DEFAULT_ALERTMANAGER} or the like",
            file=sys.stderr,
        )
        return _WRONG
    try:
        return _send_test(Alertmanager(url), wait)
    except AlertmanagerError as error:
        print(f"neverdark: {error}", file=sys.stderr)
        return _FAILED


def _send_test(alertmanager: Alertmanager, wait: float) -> int:
    configuration = alertmanager.configuration()
    expected = _messages(configuration, RECEIVER)
    for silence in alertmanager.silences():
        print(f"silenced: what matches {silence} is not sent")
    if expected is None:
        print(
            f"{alertmanager.url} has no receiver called {RECEIVER}: its routes say who gets this, as they do for a page"
        )
    elif not expected:
        print(
            f"neverdark: no receiver is on at {alertmanager.url}: nothing was sent, and no page would be. "
            "alertmanager/README.md tells how to turn one on",
            file=sys.stderr,
        )
        return _FAILED
    before = alertmanager.counters()
    now = datetime.now(UTC)
    alertmanager.send(
        {"alertname": ALERT, "severity": "page", "scope": "test", "test": now.isoformat(timespec="milliseconds")},
        {
            "summary": "This is a test. Nothing is wrong.",
            "description": f"Sent with “neverdark alert test” on {socket.gethostname()}, {now:%Y-%m-%d %H:%M:%S} UTC. "
            "Where you read this, pages arrive. It ends by itself after five minutes.",
        },
    )
    print(f"a test message was handed to Alertmanager at {alertmanager.url}")
    if not expected:
        return _DONE
    shared = set(_messages(configuration, HEARTBEAT) or ())
    outcome = _watch(alertmanager, expected, before, shared, wait)
    pages = _messages(configuration, PAGE)
    if pages is not None and not pages:  # None: somebody else's configuration, whose routes nobody knows here
        print("neverdark: a page would reach nobody: no receiver is on for `page`", file=sys.stderr)
        return _FAILED
    return outcome


def _watch(
    alertmanager: Alertmanager,
    expected: Counter[str],
    before: tuple[Counter[str], Counter[str]],
    shared: set[str],
    wait: float,
) -> int:
    """Tell of each integration what became of the message, as soon as it is known.

    The counters are of all messages: one that goes out by the same way within these seconds may be taken for ours. It
    is said where the heartbeat shares the way. A failed attempt is told as one, though Alertmanager goes on trying.
    """
    deadline = time.monotonic() + wait
    pending = dict(expected)
    good = True
    while True:
        sent, failed = alertmanager.counters()
        for integration, count in list(pending.items()):
            doubt = " (it, or the heartbeat at the same moment)" * (integration in shared)
            if failed[integration] > before[1][integration]:
                print(
                    f"{integration}: FAILED{doubt}; Alertmanager's log says why, and it goes on trying", file=sys.stderr
                )
                good = False
            elif sent[integration] - before[0][integration] >= count:
                print(f"{integration}: sent{doubt}")
            else:
                continue
            del pending[integration]
        if not pending or time.monotonic() >= deadline:
            break
        time.sleep(_PAUSE)
    for integration in pending:
        print(f"{integration}: not sent within {wait:g} s", file=sys.stderr)
    return _DONE if good and not pending else _FAILED


def _shown(matcher: Any) -> str:
    equal, regex = matcher.get("isEqual", True), matcher["isRegex"]
    operator = ("=~" if regex else "=") if equal else ("!~" if regex else "!=")
    return f'{matcher["name"]}{operator}"{matcher["value"]}"'


def _messages(configuration: Any, name: str) -> Counter[str] | None:
    """How many messages each integration of a receiver is to send; None if the configuration has no such receiver."""
    receivers = configuration.get("receivers") if isinstance(configuration, dict) else None
    for receiver in receivers or ():
        if receiver.get("name") == name:
            kinds = {key: value for key, value in receiver.items() if key.endswith("_configs")}
            return Counter({key.removesuffix("_configs"): len(value) for key, value in kinds.items()})
    return None
