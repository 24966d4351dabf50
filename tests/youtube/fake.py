"""A fake of YouTube: API, login and public page at one address of the loopback, with a state of their own."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.integration.harness.waiting import free_port
from tests.youtube.api import Api
from tests.youtube.call import Answer, Call
from tests.youtube.clock import Clock
from tests.youtube.errors import ApiError
from tests.youtube.ingest import Ingest
from tests.youtube.model import Channel
from tests.youtube.oauth import OAuth
from tests.youtube.public_page import PublicPage
from tests.youtube.quota import Quota
from tests.youtube.record import Record
from tests.youtube.rules import Rules
from tests.youtube.server import Server
from tests.youtube.studio import Studio
from tests.youtube.trouble import Troubles
from tests.youtube.world import World

CHANNEL = Channel("UCfakefakefakefakefake01", "The owner's channel")


class FakeYouTube(Troubles):
    """Listens while it is entered as a context; leaving it fails if a request was ill-formed.

    What a test changes: `rules` (times, limits, what the contract leaves open), `clock.move`, `ingest` (what the
    encoder sends), `studio` (a person at the channel), `oauth` (a person at the login), `page.shape`, `quota`, and the
    troubles below (`lose_answer`, `fail`, …). What it reads: `record`, `studio.look`, `studio.made`.
    """

    def __init__(self, *, port: int | None = None, rules: Rules | None = None, clock: Clock | None = None) -> None:
        super().__init__()
        self.clock = clock or Clock()
        self.rules = rules or Rules()
        self.ingest = Ingest(self.clock, self.rules)
        self.quota = Quota(self.clock, self.rules)
        self.record = Record()
        self.channel = CHANNEL
        self.oauth = OAuth(self.clock, self.rules, CHANNEL.id)
        self._world = World(self.clock, self.rules, self.ingest)
        self._world.channels[CHANNEL.id] = CHANNEL
        self.ingest.before_change = self._settle
        self.studio = Studio(self._world, CHANNEL.id)
        self.page = PublicPage(self._world)
        self._api = Api(self._world, self.quota, self.oauth)
        self.server = Server(self.talk, port or free_port())

    @property
    def url(self) -> str:
        """Of everything."""
        return self.server.url

    @property
    def urls(self) -> dict[str, str]:
        """As the configuration of an account names them."""
        return dict.fromkeys(("api_url", "oauth_url", "auth_url", "page_url"), self.url)

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if kind is None:
            assert not self.server.broken, "\n".join(self.server.broken)
            faults = self.record.faults()
            assert not faults, "ill-formed calls:\n" + "\n".join(faults)

    def close(self) -> None:
        """Nobody listens."""
        self.clear()
        self.server.stop()
        self.ingest.close()

    def _settle(self) -> None:
        with self._world.lock:
            self._world.settle()

    def talk(self, call: Call) -> Answer:
        """One request; also without a server, where no process shall be waited for. Raises DroppedError."""
        entry = self.record.add(call, self.clock.now())
        self.happen("before", call)
        answer = self._troubled(call)
        entry.code, entry.reason = answer.code, answer.reason
        return answer

    def _troubled(self, call: Call) -> Answer:
        trouble = self.take(call.name)
        if trouble and not trouble.applied:
            self._paid(call)
            answer = trouble.answer()
            assert answer, "what is not applied has no answer of its own"
            return answer
        answer = self._answer(call)
        self.happen("after", call)
        return (trouble.answer() if trouble else None) or answer

    def _paid(self, call: Call) -> None:
        """A call that the platform spoils costs as much as any other."""
        with suppress(ApiError), self._world.lock:
            if call.name in self._api.methods:
                self._api.admit(call)

    def _answer(self, call: Call) -> Answer:
        try:
            with self._world.lock:
                return self._carried_out(call)
        except ApiError as refusal:
            return Answer.refused(refusal)

    def _carried_out(self, call: Call) -> Answer:
        if call.name == "page":
            return self.page.answer(call.path.split("/")[2])
        if call.name.startswith("oauth."):
            return self.oauth.answer(call)
        if call.name not in self._api.methods:
            raise ApiError("notFound")
        return self._api.answer(call, self._api.admit(call))
