"""A client of a few lines, as YouTube's own documentation shows one."""

from __future__ import annotations

from typing import Any

import requests

from tests.youtube.clock import stamp
from tests.youtube.fake import FakeYouTube
from tests.youtube.model import Broadcast, Stream

# Some Friday, 2026-11-27 10:00 in California: a clock that stands still until a test moves it.
NOW = 1_795_802_400.0
KEY = "aaaa-bbbb-cccc-dddd-eeee"
ALL = "id,snippet,contentDetails,status"


class Asker:
    """Asks the fake with an access token."""

    def __init__(self, fake: FakeYouTube) -> None:
        self.fake = fake
        self.stream = fake.studio.stream(KEY)
        self.session = requests.Session()
        self.session.trust_env = False
        self.login()

    def login(self) -> None:
        """A new access token, of a new consent."""
        refresh = self.fake.oauth.granted()
        grant = self.fake.oauth.grants.by_refresh(refresh)
        assert grant
        self.session.headers["Authorization"] = f"Bearer {self.fake.oauth.grants.new_access(grant)}"

    def ask(self, verb: str, what: str, body: Any = None, **query: object) -> requests.Response:
        """`what` stands behind /youtube/v3/."""
        url = f"{self.fake.url}/youtube/v3/{what}"
        params = {name: str(value) for name, value in query.items()}
        return self.session.request(verb, url, params=params, json=body, timeout=10)

    def insert(self, **changes: Any) -> requests.Response:
        """With the three fields that it needs; `changes` replace whole parts."""
        body = {
            "snippet": {"title": "Ours", "scheduledStartTime": stamp(self.fake.clock.now() + 5)},
            "status": {"privacyStatus": "public"},
        }
        return self.ask("POST", "liveBroadcasts", body | changes, part=ALL)

    def move(self, broadcast: Broadcast | str, to: str) -> requests.Response:
        """A transition."""
        identity = broadcast if isinstance(broadcast, str) else broadcast.id
        return self.ask("POST", "liveBroadcasts/transition", id=identity, broadcastStatus=to, part="id,status")

    def bind(self, broadcast: Broadcast | str, stream: Stream | None) -> requests.Response:
        """None: from any."""
        identity = broadcast if isinstance(broadcast, str) else broadcast.id
        to = {"streamId": stream.id} if stream else {}
        return self.ask("POST", "liveBroadcasts/bind", id=identity, part=ALL, **to)

    def ids(self, what: str = "liveBroadcasts", **query: object) -> list[str]:
        """Of what is listed."""
        return [item["id"] for item in self.ask("GET", what, part="id,status", **query).json()["items"]]


def reason(answer: requests.Response) -> tuple[int, str]:
    """Of a refusal."""
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    assert error["errors"][0]["domain"]
    return answer.status_code, error["errors"][0]["reason"]


def state(answer: requests.Response) -> str:
    """Of the broadcast in it."""
    return str(answer.json()["status"]["lifeCycleStatus"])
