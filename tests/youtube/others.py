"""The methods of liveStreams, channels, videos and thumbnails."""

from __future__ import annotations

from dataclasses import replace

from tests.youtube import looks
from tests.youtube.call import Answer, Call
from tests.youtube.errors import ApiError
from tests.youtube.model import Json, Stream
from tests.youtube.query import page
from tests.youtube.world import World
from tests.youtube.writing import part

_PICTURE_BYTES = 2 * 1024 * 1024
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_PICTURE_TYPES = {"image/jpeg", "image/png", "application/octet-stream"}

ADDRESSES = {
    "ingestionAddress": "rtmp://a.rtmp.youtube.com/live2",
    "backupIngestionAddress": "rtmp://b.rtmp.youtube.com/live2?backup=1",
    "rtmpsIngestionAddress": "rtmps://a.rtmps.youtube.com:443/live2",
    "rtmpsBackupIngestionAddress": "rtmps://b.rtmps.youtube.com:443/live2?backup=1",
}


class Others:
    """Each method answers a call of the login whose channel is given; all raise ApiError."""

    def __init__(self, world: World) -> None:
        self._world = world

    def streams(self, call: Call, channel: str) -> Answer:
        """liveStreams.list"""
        parts = call.query.parts(looks.STREAM_PARTS)
        used = call.query.filter("id", "mine")
        self._world.settle()
        until = self._world.clock.now() - self._world.rules.list_lag
        found = [
            stream
            for stream in reversed(self._world.streams.values())
            if stream.channel == channel and stream.created <= until
        ]
        if used == "id":
            ids = call.query.ids()
            found = [stream for stream in found if stream.id in ids]
        shown, about = page(found, call.query)
        items = [looks.stream(stream, self._world.ingest.status(stream), parts) for stream in shown]
        return Answer.of(looks.listing("liveStream", items, about))

    def new_stream(self, call: Call, channel: str) -> Answer:
        """liveStreams.insert"""
        parts = call.query.parts(looks.STREAM_PARTS)
        body = call.json()
        snippet, cdn = part(body, "snippet"), part(body, "cdn")
        title = snippet.get("title")
        if not isinstance(title, str) or not 1 <= len(title) <= 128:
            raise ApiError("titleRequired" if not title else "invalidTitle")
        for name in ("frameRate", "ingestionType", "resolution"):
            if not cdn.get(name):
                raise ApiError(f"{name}Required")
        asked: Json = {name: cdn[name] for name in ("frameRate", "ingestionType", "resolution")}
        number = self._world.number()
        made = Stream(
            f"{channel[2:]}{number:012d}",
            channel,
            self._world.clock.now(),
            f"made-by-an-api-{number:04d}",
            title,
            asked,
            dict(ADDRESSES),
            reusable=bool(part(body, "contentDetails").get("isReusable", True)),
            description=str(snippet.get("description", "")),
        )
        self._world.streams[made.id] = made
        return Answer.of(looks.stream(made, self._world.ingest.status(made), parts))

    def channels(self, call: Call, channel: str) -> Answer:
        """channels.list"""
        parts = call.query.parts(looks.CHANNEL_PARTS)
        used = call.query.filter("id", "mine")
        wanted = call.query.ids() if used == "id" else [channel]
        found = [thing for thing in self._world.channels.values() if thing.id in wanted]
        shown, about = page(found, call.query)
        return Answer.of(looks.listing("channel", [looks.channel(thing, parts) for thing in shown], about))

    def videos(self, call: Call, channel: str) -> Answer:
        """videos.list: of others what they show"""
        parts = call.query.parts(looks.VIDEO_PARTS)
        call.query.filter("id", "chart", "myRating")
        ids = call.query.ids()
        found = [
            thing
            for thing in self._world.broadcasts(self._world.rules.video_lag)
            if thing.id in ids and (thing.channel == channel or thing.privacy != "private")
        ]
        shown, about = page(found, call.query, least=1)
        return Answer.of(looks.listing("video", [looks.video(thing, parts) for thing in shown], about))

    def thumbnail(self, call: Call, channel: str) -> Answer:
        """thumbnails.set"""
        identity = call.query.need("videoId")
        found = [thing for thing in self._world.broadcasts() if thing.id == identity and thing.channel == channel]
        if not found:
            raise ApiError("videoNotFound")
        if not call.body:
            raise ApiError("mediaBodyRequired")
        if len(call.body) > _PICTURE_BYTES:
            raise ApiError("uploadTooLarge")
        kind = call.headers.get("content-type", "").partition(";")[0]
        if kind not in _PICTURE_TYPES or not call.body.startswith(_PICTURES):
            raise ApiError("invalidImage")
        self._world.put(replace(found[0], thumbnail=call.body))
        picture = {"url": f"https://i.ytimg.com/vi/{identity}/default_live.jpg", "width": 120, "height": 90}
        return Answer.of({"kind": "youtube#thumbnailSetResponse", "items": [{"default": picture}]})
