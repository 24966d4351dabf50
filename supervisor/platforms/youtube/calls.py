"""How YouTube's API is called: pages, tries, tokens, units, and what is to be made of an answer. IO; blocks.

Reads are tried again after a pause. A write is made once: what becomes of one whose answer is lost, only a new look can
tell, so it raises `Unsure`. Every request is counted in the ledger before it is sent.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple, Protocol

import requests

from supervisor.config.youtube import AccountSection
from supervisor.platforms.youtube.errors import Kind, Unsure, YoutubeError, classified, read_object
from supervisor.platforms.youtube.http import Answer, NoAnswer, exchange, new_session
from supervisor.platforms.youtube.ledger import Ledger
from supervisor.platforms.youtube.model import Broadcast
from supervisor.platforms.youtube.quota import Use
from supervisor.platforms.youtube.reading import broadcast_of, items_of, text
from supervisor.probes.retry_after import seconds_of

IDS_A_CALL: Final = 50
_PATH: Final = "/youtube/v3"
_MOST_PAGES: Final = 20  # 1,000 broadcasts: what is older is of no use, and a page that names itself has an end
_TRIES: Final = 3
_CLOCKS_DIFFER: Final = 120.0
_PAUSES: Final = (0.5, 2.0)  # seconds, before the second and the third try; half to all of it
_AGAIN: Final = frozenset({Kind.SERVER, Kind.NETWORK, Kind.UNREADABLE})

Report = Callable[[str, str], object]  # the method, such as `liveBroadcasts.list`, and `ok` or the kind of the error


class Access(Protocol):
    """What gives the access token of a login, as `tokens.Tokens` does."""

    def access(self) -> str:
        """One that may be sent now. Raises `YoutubeError`."""
        ...

    def refused(self, access: str) -> None:
        """The API has refused this one."""
        ...


class Asked(NamedTuple):
    """One request: what it costs, what for, and what it sends."""

    name: str  # as in the documentation: `liveBroadcasts.list`
    method: str
    path: str
    parameters: Mapping[str, str | Sequence[str]]
    use: Use
    json: Mapping[str, Any] | None = None
    data: bytes | None = None
    content_type: str | None = None

    @property
    def writes(self) -> bool:
        """It changes something."""
        return self.method != "GET"


class World(NamedTuple):
    """Time since 1970, a pause, and chance from 0 to 1."""

    wall: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep
    chance: Callable[[], float] = random.random


WORLD: Final = World()


def no_report(method: str, result: str) -> None:
    """Nobody counts."""
    del method, result


class Calls:
    """Those of one account. Not for two threads at once: its session is one connection."""

    def __init__(
        self,
        account: AccountSection,
        tokens: Access,
        ledger: Ledger,
        session: requests.Session | None = None,
        *,
        world: World = WORLD,
        report: Report = no_report,
    ) -> None:
        self._account = account
        self._tokens = tokens
        self._ledger = ledger
        self._session = session or new_session()
        self._world = world
        self._report = report
        self._ahead = 0.0  # of our clock, by seconds, is theirs

    def wall(self) -> float:
        """Seconds since 1970. Where our clock is wrong by minutes it is theirs, by which broadcasts are scheduled."""
        return self._world.wall() + (self._ahead if abs(self._ahead) > _CLOCKS_DIFFER else 0.0)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def of_ids(
        self, resource: str, parameters: Mapping[str, str], ids: Collection[str], use: Use
    ) -> Iterator[Mapping[str, Any]]:
        """The items of a list that have these ids."""
        wanted = sorted(set(ids))
        for first in range(0, len(wanted), IDS_A_CALL):
            some = wanted[first : first + IDS_A_CALL]
            yield from self.pages(resource, {**parameters, "id": some, "maxResults": str(IDS_A_CALL)}, use)

    def pages(
        self, resource: str, parameters: Mapping[str, str | Sequence[str]], use: Use
    ) -> Iterator[Mapping[str, Any]]:
        """The items of a list, page by page."""
        page = ""
        for _ in range(_MOST_PAGES):
            more = {"pageToken": page} if page else {}
            asked = Asked(f"{resource}.list", "GET", f"/{resource}", {**parameters, **more}, use)
            rows, page = self.items(asked)
            yield from rows
            if not page:
                return

    def items(self, asked: Asked) -> tuple[list[Mapping[str, Any]], str]:
        """The items of one page, and the token of the next."""
        for number in range(_TRIES):
            if number:
                self._world.sleep(_PAUSES[number - 1] * (0.5 + self._world.chance() / 2))
            try:
                return self._page(asked)
            except YoutubeError as error:
                if error.kind not in _AGAIN or number == _TRIES - 1:
                    raise
        raise AssertionError("the last try returns or raises")

    def _page(self, asked: Asked) -> tuple[list[Mapping[str, Any]], str]:
        tree = self.once(asked)
        rows = items_of(tree, asked.name.partition(".")[0]) if tree is not None else None
        if tree is None or rows is None:
            raise YoutubeError(Kind.UNREADABLE, status=200)
        return rows, text(tree.get("nextPageToken"))

    def written(self, asked: Asked) -> Broadcast:
        """What a write has made of a broadcast."""
        tree = self.once(asked)
        found = broadcast_of(tree) if tree is not None else None
        if found is None:
            raise Unsure(Kind.UNREADABLE, status=200)
        return found

    def once(self, asked: Asked) -> dict[str, Any] | None:
        """One call, with a new access token if the first is refused. Returns the JSON object of the answer, if any."""
        try:
            tree = self._sent(asked)
        except YoutubeError as error:
            self._report(asked.name, str(error.kind))
            raise
        self._report(asked.name, "ok")
        return tree

    def _sent(self, asked: Asked) -> dict[str, Any] | None:
        for again in (False, True):
            access = self._tokens.access()
            answer = self._exchanged(asked, access)
            if 200 <= answer.status < 300:  # noqa: PLR2004 - success
                return read_object(answer.body)
            error = self._error(asked, answer)
            if error.kind is Kind.TOKEN and not again:
                self._tokens.refused(access)  # a call that was refused for its token was not made
                continue
            if error.kind is Kind.QUOTA:
                self._ledger.close()
            if asked.writes and error.kind in _AGAIN:
                raise Unsure(error.kind, error.reason, error.status, error.retry_after)
            raise error
        raise AssertionError("the second try returns or raises")

    def _exchanged(self, asked: Asked, access: str) -> Answer:
        costs = self._account.quota
        self._ledger.spend(asked.use, costs.write if asked.writes else costs.read)
        root = "" if asked.path.startswith("/upload/") else _PATH
        headers = {"Authorization": f"Bearer {access}", "Accept": "application/json"}
        if asked.content_type:
            headers["Content-Type"] = asked.content_type
        url = f"{self._account.api_url}{root}{asked.path}"
        try:
            answer = exchange(
                self._session,
                asked.method,
                url,
                params=dict(asked.parameters),
                json=asked.json,
                data=asked.data,
                headers=headers,
            )
        except NoAnswer as lost:
            raise (Unsure if asked.writes and lost.sent else YoutubeError)(Kind.NETWORK) from None
        self._ahead = self._their_time(answer)
        return answer

    def _their_time(self, answer: Answer) -> float:
        """By how many seconds their clock is ahead of ours."""
        written = {name.lower(): value for name, value in answer.headers.items()}.get("date", "")
        with contextlib.suppress(ValueError, OverflowError):
            return parsedate_to_datetime(written).timestamp() - self._world.wall()
        return self._ahead

    def _error(self, asked: Asked, answer: Answer) -> YoutubeError:
        said = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after", "")
        wait = seconds_of(said, self._world.wall())
        return classified(answer.status, answer.body, wait, insert=asked.name == "liveBroadcasts.insert")
