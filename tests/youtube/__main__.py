"""The fake by hand: `python -m tests.youtube --port 18080`, then point a neverdark at it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.youtube.errors import ApiError
from tests.youtube.fake import FakeYouTube
from tests.youtube.oauth import TV
from tests.youtube.public_page import Shape
from tests.youtube.rules import Rules

_KEY = "fake-fake-fake-fake-0001"
_TEXT = """\
A fake of YouTube answers at {url}. In neverdark's configuration:

youtube:
  accounts:
    main:
      client_id: {client}
      client_secret_file: {secret}
      token_file: {folder}/token
      api_url: {url}
      oauth_url: {url}
      auth_url: {url}
      page_url: {url}

and at a destination whose stream key is {key}:

    youtube: {{account: main, channel: {channel}, stream_id: {stream}, broadcast: {{manage: true, title: A test}}}}

Then type what happens; `help` tells what can.
"""


class _Person:
    """Carries out what is typed."""

    def __init__(self, fake: FakeYouTube, key: str) -> None:
        self._fake = fake
        self._key = key
        self._acts: dict[str, Callable[[Sequence[str]], object]] = {
            "send": lambda _: fake.ingest.sends(key),
            "silence": lambda _: fake.ingest.stops(key),
            "consent": lambda _: fake.oauth.consent(),
            "deny": lambda _: fake.oauth.deny(),
            "revoke": lambda _: fake.oauth.revoke(),
            "end": lambda rest: fake.studio.end(rest[0]),
            "start": lambda rest: fake.studio.start(rest[0]),
            "delete": lambda rest: fake.studio.delete(rest[0]),
            "fail": lambda rest: fake.fail(rest[0], rest[1], times=None),
            "lose": lambda rest: fake.lose_answer(rest[0]),
            "well": lambda _: fake.clear(),
            "move": lambda rest: fake.clock.move(float(rest[0])),
            "page": self._page,
            "state": lambda _: print(*self._state(), sep="\n"),
            "record": lambda _: print(*fake.record.all(), sep="\n"),
            "faults": lambda _: print(*fake.record.faults(), sep="\n"),
            "help": lambda _: print(*self._acts),
        }

    def does(self, line: str) -> None:
        """One line."""
        words = line.split() or ["help"]
        try:
            self._acts[words[0]](words[1:])
        except (ApiError, AssertionError, LookupError, ValueError) as error:
            print(f"not done: {type(error).__name__}: {error}")

    def _page(self, rest: Sequence[str]) -> None:
        self._fake.page.shape = Shape(" ".join(rest)) if rest else None

    def _state(self) -> list[str]:
        rows = [f"{thing.id} {thing.state} {thing.privacy} {thing.title!r}" for thing in self._fake.studio.all()]
        return [f"units used: {self._fake.quota.used}", *rows]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.youtube", description=__doc__)
    parser.add_argument("--port", type=int, default=18_080)
    parser.add_argument("--key", default=_KEY, help="the stream key of the only stream")
    asked = parser.parse_args()
    rules = Rules(test_starting=5, live_starting=5, list_lag=3, video_lag=8, page_lag=15, active_after=3)
    with TemporaryDirectory() as folder, FakeYouTube(port=asked.port, rules=rules) as fake:
        stream = fake.studio.stream(asked.key)
        secret = Path(folder) / "client_secret"
        secret.write_text(TV.client_secret)
        secret.chmod(0o600)
        print(
            _TEXT.format(
                url=fake.url,
                client=TV.client_id,
                secret=secret,
                folder=folder,
                key=asked.key,
                channel=fake.channel.id,
                stream=stream.id,
            ),
            flush=True,
        )
        person = _Person(fake, asked.key)
        try:
            while True:
                person.does(input("> "))
        except (EOFError, KeyboardInterrupt):
            print()


if __name__ == "__main__":
    main()
