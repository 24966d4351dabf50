"""Every request that came, without what is secret in it, and what is ill-formed about it."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field

from tests.youtube import discovery
from tests.youtube.call import Call
from tests.youtube.model import Json

_SECRET = {
    "access_token",
    "client_secret",
    "code",
    "code_challenge",
    "code_verifier",
    "device_code",
    "key",
    "oauth_token",
    "refresh_token",
    "state",
    "token",
}
HIDDEN = "…"


@dataclass
class Entry:
    """One request. `code` and `reason` are filled in when it has been answered: 0 where nothing was."""

    at: float
    name: str  # of the method: `liveBroadcasts.insert`, `oauth.token`, `page`; empty where there is none
    verb: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: Json
    faults: list[str] = field(default_factory=list)
    code: int = 0
    reason: str = ""

    def get(self, name: str) -> str | None:
        """A parameter's value; of a repeated one the last."""
        return dict(self.query).get(name)

    @property
    def writes(self) -> bool:
        """Whether it asked to change something at the platform."""
        return "." in self.name and not self.name.startswith("oauth.") and not self.name.endswith(".list")

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query)
        return f"{self.verb} {self.path}{'?' if query else ''}{query} → {self.code} {self.reason}".rstrip()


class Record:
    """In the order of their arrival."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def add(self, call: Call, at: float) -> Entry:
        """A request has come."""
        query = tuple((name, HIDDEN if name in _SECRET else value) for name, value in call.query.pairs)
        entry = Entry(at, call.name, call.verb, call.path, query, _body(call), _faults(call))
        with self._lock:
            self._entries.append(entry)
        return entry

    def all(self, method: str = "") -> list[Entry]:
        """Those of a method (`liveBroadcasts.insert`, or `insert` of anything), or all."""
        with self._lock:
            entries = list(self._entries)
        return [entry for entry in entries if not method or f".{entry.name}".endswith(f".{method}")]

    def writes(self) -> list[Entry]:
        """All that asked to change something."""
        return [entry for entry in self.all() if entry.writes]

    def faults(self) -> list[str]:
        """What was ill-formed, with its request."""
        return [f"{entry}: {fault}" for entry in self.all() for fault in entry.faults]

    def forgive(self) -> list[str]:
        """The same, and it is no reason for a failure any more: for a test that asks badly on purpose."""
        found = self.faults()
        for entry in self.all():
            entry.faults.clear()
        return found


def _body(call: Call) -> Json:
    if call.name.startswith("oauth."):
        return {name: HIDDEN if name in _SECRET else value for name, value in call.form().items()}
    try:
        read = json.loads(call.body or b"{}")
    except ValueError:
        return {"bytes": len(call.body)}
    return read if isinstance(read, dict) else {"bytes": len(call.body)}


def _faults(call: Call) -> list[str]:
    if call.name == "page":
        return []
    if call.name.startswith("oauth."):
        return _of_login(call)
    method = discovery.method_of(call.verb, call.path)
    if method is None:
        return ["there is no such method"]
    found = discovery.faults(method, call.query.pairs, call.body, call.headers.get("content-type", ""))
    if call.bearer is None:
        found.append("it names no access token in its header Authorization")
    return found


_LOGIN = {"oauth.device": "POST", "oauth.token": "POST", "oauth.revoke": "POST", "oauth.auth": "GET"}


def _of_login(call: Call) -> list[str]:
    found = []
    if call.verb != _LOGIN[call.name]:
        found.append(f"{call.path} is asked by {_LOGIN[call.name]}")
    kind = call.headers.get("content-type", "").partition(";")[0]
    if call.verb == "POST" and kind != "application/x-www-form-urlencoded":
        found.append(f"its content type is {kind or 'not said'}")
    if call.verb == "POST" and {name for name, _ in call.query.pairs} & _SECRET:
        found.append("a secret stands in the address")
    return found
