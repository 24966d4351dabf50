"""YouTube's live API: each call that neverdark makes, as a method that returns values of `model`. IO; blocks.

How a call is made is in `calls`. No stream key is asked for but by `stream_key_matches`, which keeps none.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import requests

from supervisor.config.youtube import AccountSection
from supervisor.platforms.youtube.calls import IDS_A_CALL, WORLD, Access, Asked, Calls, Report, World, no_report
from supervisor.platforms.youtube.errors import Kind, YoutubeError
from supervisor.platforms.youtube.ledger import Ledger
from supervisor.platforms.youtube.model import Broadcast, LiveStream, Privacy
from supervisor.platforms.youtube.quota import Use
from supervisor.platforms.youtube.reading import broadcast_of, section, stream_of, text, written_moment

_PARTS: Final = "id,snippet,contentDetails,status"
_MOST_PICTURE: Final = 2_000_000
_ADDRESSES: Final = (
    *("rtmpsIngestionAddress", "rtmpsBackupIngestionAddress"),
    *("ingestionAddress", "backupIngestionAddress"),
)
_PICTURES: Final[Mapping[str, str]] = {".png": "image/png"}


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


def _is_key(name: str, key: str) -> bool:
    """What is behind a `?` goes to the ingest, and is no part of the key."""
    return hmac.compare_digest(name.encode(), key.partition("?")[0].encode())


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
        report: Report = no_report,
    ) -> None:
        self._calls = Calls(account, tokens, ledger, session, world=world, report=report)
        self._url = account.api_url

    def wall(self) -> float:
        """Seconds since 1970. Where our clock is wrong by minutes it is theirs, by which broadcasts are scheduled."""
        return self._calls.wall()

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()

    def __repr__(self) -> str:
        return f"Client({self._url})"

    # --- reads ---------------------------------------------------------------------------------------

    def broadcasts(self, ids: Collection[str] | None = None, *, use: Use = Use.POLL) -> tuple[Broadcast, ...]:
        """Those of these ids that there are; without ids all of the channel's, whatever type and state."""
        if ids is None:
            rows = self._calls.pages(
                "liveBroadcasts",
                {"part": _PARTS, "mine": "true", "broadcastType": "all", "maxResults": str(IDS_A_CALL)},
                use,
            )
        else:
            rows = self._calls.of_ids("liveBroadcasts", {"part": _PARTS}, ids, use)
        return tuple(found for row in rows if (found := broadcast_of(row)))

    def streams(self, ids: Collection[str], *, use: Use = Use.POLL) -> tuple[LiveStream, ...]:
        """Those of these ids that there are, without their keys."""
        rows = self._calls.of_ids("liveStreams", {"part": "id,status"}, ids, use)
        return tuple(found for row in rows if (found := stream_of(row)))

    def stream_key_matches(self, stream_id: str, key: str, *, use: Use = Use.REPAIR) -> bool | None:
        """Whether this key leads to the stream; None if there is no such stream, or it does not say."""
        for row in self._calls.of_ids("liveStreams", {"part": "id,cdn"}, [stream_id], use):
            name = text(section(section(row.get("cdn")).get("ingestionInfo")).get("streamName"))
            if text(row.get("id")) == stream_id and name:
                return _is_key(name, key)
        return None

    def own_streams(self, keys: Mapping[str, str], *, use: Use = Use.REPAIR) -> tuple[OwnStream, ...]:
        """The channel's streams, each with the names of those of `keys` that lead to it."""
        found = []
        for row in self._calls.pages(
            "liveStreams", {"part": "id,snippet,cdn", "mine": "true", "maxResults": "50"}, use
        ):
            key = text(section(section(row.get("cdn")).get("ingestionInfo")).get("streamName"))
            named = tuple(name for name, one in keys.items() if key and _is_key(key, one))
            found.append(OwnStream(text(row.get("id")), text(section(row.get("snippet")).get("title")), named))
        return tuple(found)

    def backup_address(self, stream_id: str, *, use: Use = Use.REPAIR) -> str | None:
        """Where the backup of the stream is sent to, without the key: RTMPS if there is one."""
        for row in self._calls.of_ids("liveStreams", {"part": "id,cdn"}, [stream_id], use):
            info = section(section(row.get("cdn")).get("ingestionInfo"))
            if text(row.get("id")) == stream_id:
                return text(info.get("rtmpsBackupIngestionAddress")) or text(info.get("backupIngestionAddress")) or None
        return None

    def ingest_addresses(self, stream_id: str, *, use: Use = Use.REPAIR) -> tuple[str, ...]:
        """All to which the stream may be sent, without the key: RTMPS before RTMP, the primary before the backup."""
        for row in self._calls.of_ids("liveStreams", {"part": "id,cdn"}, [stream_id], use):
            info = section(section(row.get("cdn")).get("ingestionInfo"))
            if text(row.get("id")) == stream_id:
                return tuple(found for name in _ADDRESSES if (found := text(info.get(name))))
        return ()

    def channel(self, *, use: Use = Use.POLL) -> Channel | None:
        """The channel of the login; None: it has none."""
        rows = self._calls.items(
            Asked("channels.list", "GET", "/channels", {"part": "id,snippet", "mine": "true"}, use)
        )[0]
        found = ((text(row.get("id")), text(section(row.get("snippet")).get("title"))) for row in rows)
        return next((Channel(id_, title) for id_, title in found if id_), None)

    # --- writes --------------------------------------------------------------------------------------

    def insert(self, new: NewBroadcast, *, use: Use = Use.REPAIR) -> Broadcast:
        """Make a broadcast. It stops and starts only when it is told to, and needs no test."""
        parameters = {"part": _PARTS}
        return self._calls.written(
            Asked("liveBroadcasts.insert", "POST", "/liveBroadcasts", parameters, use, _body(new))
        )

    def update(self, broadcast: str, new: NewBroadcast, *, use: Use = Use.REPAIR) -> Broadcast:
        """Give a broadcast that is created or ready all that `new` says: what is left out goes to its default."""
        body = {"id": broadcast, **_body(new)}
        return self._calls.written(
            Asked("liveBroadcasts.update", "PUT", "/liveBroadcasts", {"part": _PARTS}, use, body)
        )

    def bind(self, broadcast: str, stream: str, *, use: Use = Use.REPAIR) -> Broadcast:
        """Let viewers of the broadcast see this stream."""
        parameters = {"id": broadcast, "part": _PARTS, "streamId": stream}
        return self._calls.written(Asked("liveBroadcasts.bind", "POST", "/liveBroadcasts/bind", parameters, use))

    def transition(self, broadcast: str, to: str, *, use: Use = Use.REPAIR) -> Broadcast | None:
        """Ask for testing, live or complete; None: it is so already, or on its way."""
        parameters = {"id": broadcast, "part": _PARTS, "broadcastStatus": to}
        asked = Asked("liveBroadcasts.transition", "POST", "/liveBroadcasts/transition", parameters, use)
        try:
            return self._calls.written(asked)
        except YoutubeError as error:
            if error.kind is Kind.REDUNDANT:
                return None
            raise

    def delete(self, broadcast: str, *, use: Use = Use.REPAIR) -> None:
        """Delete a broadcast, which is nothing to be told of if it is gone already."""
        try:
            self._calls.once(Asked("liveBroadcasts.delete", "DELETE", "/liveBroadcasts", {"id": broadcast}, use))
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
        self._calls.once(
            Asked("thumbnails.set", "POST", path, {"videoId": broadcast}, use, data=content, content_type=kind)
        )


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
