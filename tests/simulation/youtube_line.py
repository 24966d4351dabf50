"""Between neverdark and a YouTube without sockets: each request is one call, and some are spoilt."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, Self
from urllib.parse import urlencode

import requests

from tests.youtube.call import Answer, Call
from tests.youtube.fake import FakeYouTube

HTTP_SECONDS = 15.0  # what neverdark waits for an answer
KINDS = ("500", "429", "garbage", "lost", "lost applied", "hang", "hang applied", "inactive")


def writes(call: Call) -> bool:
    """Whether it changes something at YouTube."""
    return not call.name.endswith(".list") and not call.name.startswith("oauth.") and call.name != "page"


class _Answer:
    """As much of requests' answer as is looked at: building a real one takes most of the time of a history."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.code
        self.headers = answer.headers
        self.raw = self
        self._body = answer.body

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def read1(self, most: int, *, decode_content: bool) -> bytes:
        """A piece of the body."""
        del decode_content
        piece, self._body = self._body[:most], self._body[most:]
        return piece


class Line(requests.Session):
    """What is asked goes to `talk`, which answers, or raises as requests does."""

    def __init__(self, talk: Callable[[Call], Answer]) -> None:
        super().__init__()
        self._talk = talk

    def request(self, method: str, url: str, **more: Any) -> Any:  # type: ignore[override]
        """As requests'."""
        body = b""
        headers = dict(more.get("headers") or {})
        if more.get("json") is not None:
            body = json.dumps(more["json"]).encode()
            headers["Content-Type"] = "application/json"
        elif isinstance(more.get("data"), dict):
            body = urlencode(more["data"]).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if more.get("params"):
            url = f"{url}?{urlencode(more['params'], doseq=True)}"
        return _Answer(self._talk(Call.of(method, url, headers, body)))


class Spoiler:
    """Spoils calls for a while; `spoilt` is told of each."""

    def __init__(
        self, fake: FakeYouTube, chance: Random, pass_: Callable[[float], None], spoilt: Callable[[], None]
    ) -> None:
        self.how: tuple[str, float, str] = ("", 0.0, "")  # how, how often, and which calls
        self._fake = fake
        self._random = chance
        self._pass = pass_
        self._spoilt = spoilt

    def draw(self) -> None:
        """From now on."""
        chance = self._random
        how, often = chance.choice((*KINDS, "any", "any")), chance.choice((0.2, 0.5, 1.0))
        self.how = (how, often, chance.choice(("all", "reads", "writes", "writes")))

    def spoil(self, call: Call) -> None:
        """What becomes of this call."""
        how, often, which = self.how
        if (
            not how
            or (which == "writes" and not writes(call))
            or (which == "reads" and writes(call))
            or self._random.random() >= often
        ):
            return
        if how == "any":
            how = self._random.choice(KINDS)
        self._fake._all[:] = [one for one in self._fake._all if one.left != 0]
        self._spoilt()
        applied = how.endswith("applied")
        match how.split()[0]:
            case "500":
                self._fake.fail(call.name, "backendError", code=500, applied=self._random.random() < 0.3)
            case "429":
                after = self._random.choice((None, 30, 600))
                self._fake.fail(call.name, "rateLimitExceeded", code=429, retry_after=after)
            case "garbage":
                self._fake.garbage(call.name, applied=self._random.random() < 0.5)
            case "lost":
                self._fake.lose_answer(call.name, applied=applied)
            case "hang":
                self._pass(HTTP_SECONDS)
                self._fake.lose_answer(call.name, applied=applied)
            case "inactive" if call.name.endswith("transition"):
                self._fake.fail(call.name, "errorStreamInactive", code=403)
