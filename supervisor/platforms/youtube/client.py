"""YouTube's live API: each call that neverdark makes, as a method that returns values of `model`. IO; blocks.

Reads are tried again after a pause. A write is made once: what becomes of one whose answer is lost, only a new look can
tell, so it raises `Unsure`. Every request is counted in the ledger before it is sent. No stream key is asked for but by
`stream_key_matches`, which keeps none.
"""

from __future__ import annotations

import contextlib
import hmac
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import requests

from supervisor.config.youtube import AccountSection
from supervisor.platforms.youtube.errors import Kind, Unsure, YoutubeError, classified, read_object
from supervisor.platforms.youtube.http import Answer, NoAnswer, exchange, new_session
from supervisor.platforms.youtube.ledger import Ledger
from supervisor.platforms.youtube.model import Broadcast, LiveStream, Privacy
from supervisor.platforms.youtube.quota import Use
from supervisor.platforms.youtube.reading import broadcast_of, items_of, section, stream_of, text, written_moment
from supervisor.probes.retry_after import seconds_of

_PATH: Final = "/youtube/v3"
_PARTS: Final = "id,snippet,contentDetails,status"
_IDS_A_CALL: Final = 50
_MOST_PAGES: Final = 20  # 1,000 broadcasts: what is older is of no use, and a page that names itself has an end
_TRIES: Final = 3
_CLOCKS_DIFFER: Final = 120.0
_PAUSES: Final = (0.5, 2.0)  # seconds, before the second and the third try; half to all of it
_AGAIN: Final = frozenset({Kind.SERVER, Kind.NETWORK, Kind.UNREADABLE})
_MOST_PICTURE: Final = 2_000_000
_PICTURES: Final[Mapping[str, str]] = {".png": "image/png"}

Report = Callable[[str, str], object]  # the method, such as `liveBroadcasts.list`, and `ok` or the kind of the error


class Access(Protocol):
    """What gives the access token of a login, as `tokens.Tokens` does."""

    def access(self) -> str:
        """One that may be sent now. Raises `YoutubeError`."""
        ...

    def refused(self, access: str) -> None:
        """The API has refused this one."""
        ...


class NewBroadcast(NamedTuple):
    """What a broadcast that is to be made, or changed, shall be. Times are seconds since 1970."""

    title: str
    description: str
    scheduled_start: float
    privacy: Privacy = Privacy.PUBLIC
    category: str | None = None
    latency: str = "normal"
    dvr: bool = True
    made_for_kids: bool = False


class Channel(NamedTuple):
    """A channel of a login."""

    id: str
    title: str


class OwnStream(NamedTuple):
    """A stream of the channel; `named` are the keys that lead to it, by names that the caller gave them."""

    id: str
    title: str
    named: tuple[str, ...]


class _Asked(NamedTuple):
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
        return self.method != "GET"


class World(NamedTuple):
    """Time since 1970, a pause, and chance from 0 to 1."""

    wall: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep
    chance: Callable[[], float] = random.random


WORLD: Final = World()


def _is_key(name: str, key: str) -> bool:
    """What is behind a `?` goes to the ingest, and is no part of the key."""
    return hmac.compare_digest(name.encode(), key.partition("?")[0].encode())


def _no_report(method: str, result: str) -> None:
    del method, result


class Client:
    """One account. Not for two threads at once: its session is one connection.

    All methods raise `YoutubeError`; those that write raise `Unsure`, too.
    """

    def __init__(
        self,
        account: AccountSection,
        tokens: Access,
        ledger: Ledger,
        session: requests.Session | None = None,
        *,
        world: World = WORLD,
        report: Report = _no_report,
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

    def __repr__(self) -> str:
        return f"Client({self._account.api_url})"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    # --- reads ---------------------------------------------------------------------------------------

    def broadcasts(self, ids: Collection[str] | None = None, *, use: Use = Use.POLL) -> tuple[Broadcast, ...]:
        """Those of these ids that there are; without ids all of the channel's, whatever type and state."""
        if ids is None:
            rows = self._pages(
                "liveBroadcasts",
                {"part": _PARTS, "mine": "true", "broadcastType": "all", "maxResults": str(_IDS_A_CALL)},
                use,
            )
        else:
            rows = self._of_ids("liveBroadcasts", {"part": _PARTS}, ids, use)
        return tuple(found for row in rows if (found := broadcast_of(row)))

    def streams(self, ids: Collection[str], *, use: Use = Use.POLL) -> tuple[LiveStream, ...]:
        """Those of these ids that there are, without their keys."""
        rows = self._of_ids("liveStreams", {"part": "id,status"}, ids, use)
        return tuple(found for row in rows if (found := stream_of(row)))

    def stream_key_matches(self, stream_id: str, key: str, *, use: Use = Use.REPAIR) -> bool | None:
        """Whether this key leads to the stream; None if there is no such stream, or it does not say."""
        for row in self._of_ids("liveStreams", {"part": "id,cdn"}, [stream_id], use):
            name = text(section(section(row.get("cdn")).get("ingestionInfo")).get("streamName"))
            if text(row.get("id")) == stream_id and name:
                return _is_key(name, key)
        return None

    def own_streams(self, keys: Mapping[str, str], *, use: Use = Use.REPAIR) -> tuple[OwnStream, ...]:
        """The channel's streams, each with the names of those of `keys` that lead to it."""
        found = []
        for row in self._pages("liveStreams", {"part": "id,snippet,cdn", "mine": "true", "maxResults": "50"}, use):
            key = text(section(section(row.get("cdn")).get("ingestionInfo")).get("streamName"))
            named = tuple(name for name, one in keys.items() if key and _is_key(key, one))
            found.append(OwnStream(text(row.get("id")), text(section(row.get("snippet")).get("title")), named))
        return tuple(found)

    def backup_address(self, stream_id: str, *, use: Use = Use.REPAIR) -> str | None:
        """Where the backup of the stream is sent to, without the key: RTMPS if there is one."""
        for row in self._of_ids("liveStreams", {"part": "id,cdn"}, [stream_id], use):
            info = section(section(row.get("cdn")).get("ingestionInfo"))
            if text(row.get("id")) == stream_id:
                return text(info.get("rtmpsBackupIngestionAddress")) or text(info.get("backupIngestionAddress")) or None
        return None

    def channel(self, *, use: Use = Use.POLL) -> Channel | None:
        """The channel of the login; None: it has none."""
        rows = self._items(_Asked("channels.list", "GET", "/channels", {"part": "id,snippet", "mine": "true"}, use))[0]
        found = ((text(row.get("id")), text(section(row.get("snippet")).get("title"))) for row in rows)
        return next((Channel(id_, title) for id_, title in found if id_), None)

    # --- writes --------------------------------------------------------------------------------------

    def insert(self, new: NewBroadcast, *, use: Use = Use.REPAIR) -> Broadcast:
        """Make a broadcast. It stops and starts only when it is told to, and needs no test."""
        parameters = {"part": _PARTS}
        return self._written(_Asked("liveBroadcasts.insert", "POST", "/liveBroadcasts", parameters, use, _body(new)))

    def update(self, broadcast: str, new: NewBroadcast, *, use: Use = Use.REPAIR) -> Broadcast:
        """Give a broadcast that is created or ready all that `new` says: what is left out goes to its default."""
        body = {"id": broadcast, **_body(new)}
        return self._written(_Asked("liveBroadcasts.update", "PUT", "/liveBroadcasts", {"part": _PARTS}, use, body))

    def bind(self, broadcast: str, stream: str, *, use: Use = Use.REPAIR) -> Broadcast:
        """Let viewers of the broadcast see this stream."""
        parameters = {"id": broadcast, "part": _PARTS, "streamId": stream}
        return self._written(_Asked("liveBroadcasts.bind", "POST", "/liveBroadcasts/bind", parameters, use))

    def transition(self, broadcast: str, to: str, *, use: Use = Use.REPAIR) -> Broadcast | None:
        """Ask for testing, live or complete; None: it is so already, or on its way."""
        parameters = {"id": broadcast, "part": _PARTS, "broadcastStatus": to}
        asked = _Asked("liveBroadcasts.transition", "POST", "/liveBroadcasts/transition", parameters, use)
        try:
            return self._written(asked)
        except YoutubeError as error:
            if error.kind is Kind.REDUNDANT:
                return None
            raise

    def delete(self, broadcast: str, *, use: Use = Use.REPAIR) -> None:
        """Delete a broadcast, which is nothing to be told of if it is gone already."""
        try:
            self._once(_Asked("liveBroadcasts.delete", "DELETE", "/liveBroadcasts", {"id": broadcast}, use))
        except YoutubeError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise

    def set_thumbnail(self, broadcast: str, picture: Path, *, use: Use = Use.REPAIR) -> None:
        """Give the broadcast a picture. Raises OSError, ValueError for one that YouTube would refuse."""
        with picture.open("rb") as file:
            content = file.read(_MOST_PICTURE + 1)
        if not 0 < len(content) <= _MOST_PICTURE:
            raise ValueError(f"expected a picture of at most {_MOST_PICTURE:,} bytes")
        kind = _PICTURES.get(picture.suffix.lower(), "image/jpeg")
        path = "/upload/youtube/v3/thumbnails/set"
        self._once(_Asked("thumbnails.set", "POST", path, {"videoId": broadcast}, use, data=content, content_type=kind))

    # --- how -----------------------------------------------------------------------------------------

    def _of_ids(
        self, resource: str, parameters: Mapping[str, str], ids: Collection[str], use: Use
    ) -> Iterator[Mapping[str, Any]]:
        wanted = sorted(set(ids))
        for first in range(0, len(wanted), _IDS_A_CALL):
            some = wanted[first : first + _IDS_A_CALL]
            yield from self._pages(resource, {**parameters, "id": some, "maxResults": str(_IDS_A_CALL)}, use)

    def _pages(
        self, resource: str, parameters: Mapping[str, str | Sequence[str]], use: Use
    ) -> Iterator[Mapping[str, Any]]:
        page = ""
        for _ in range(_MOST_PAGES):
            more = {"pageToken": page} if page else {}
            asked = _Asked(f"{resource}.list", "GET", f"/{resource}", {**parameters, **more}, use)
            rows, page = self._items(asked)
            yield from rows
            if not page:
                return

    def _items(self, asked: _Asked) -> tuple[list[Mapping[str, Any]], str]:
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

    def _page(self, asked: _Asked) -> tuple[list[Mapping[str, Any]], str]:
        tree = self._once(asked)
        rows = items_of(tree) if tree is not None else None
        if tree is None or rows is None:
            raise YoutubeError(Kind.UNREADABLE, status=200)
        return rows, text(tree.get("nextPageToken"))

    def _written(self, asked: _Asked) -> Broadcast:
        tree = self._once(asked)
        found = broadcast_of(tree) if tree is not None else None
        if found is None:
            raise Unsure(Kind.UNREADABLE, status=200)
        return found

    def _once(self, asked: _Asked) -> dict[str, Any] | None:
        """One call, with a new access token if the first is refused. Returns the JSON object of the answer, if any."""
        try:
            tree = self._sent(asked)
        except YoutubeError as error:
            self._report(asked.name, str(error.kind))
            raise
        self._report(asked.name, "ok")
        return tree

    def _sent(self, asked: _Asked) -> dict[str, Any] | None:
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

    def _exchanged(self, asked: _Asked, access: str) -> Answer:
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

    def _error(self, asked: _Asked, answer: Answer) -> YoutubeError:
        said = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after", "")
        wait = seconds_of(said, self._world.wall())
        return classified(answer.status, answer.body, wait, insert=asked.name == "liveBroadcasts.insert")


def _body(new: NewBroadcast) -> dict[str, Any]:
    """All that can be said of a broadcast: what an update leaves out goes back to its default."""
    snippet = {
        "title": new.title,
        "description": new.description,
        "scheduledStartTime": written_moment(new.scheduled_start),
    }
    return {
        "snippet": snippet | ({"categoryId": new.category} if new.category else {}),
        "status": {"privacyStatus": str(new.privacy), "selfDeclaredMadeForKids": new.made_for_kids},
        "contentDetails": {
            "enableAutoStart": False,
            "enableAutoStop": False,
            "enableDvr": new.dvr,
            "latencyPreference": new.latency,
            # On by default, and then a broadcast has to be tested before it can be live.
            "monitorStream": {"enableMonitorStream": False, "broadcastStreamDelayMs": 0},
        },
    }
