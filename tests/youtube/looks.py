"""How things look in an answer: only the parts that were asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from tests.youtube.clock import stamp
from tests.youtube.model import Broadcast, Channel, Json, State, Stream

BROADCAST_PARTS = ("id", "snippet", "contentDetails", "status", "statistics", "monetizationDetails")
STREAM_PARTS = ("id", "snippet", "cdn", "contentDetails", "status")
VIDEO_PARTS = ("id", "snippet", "contentDetails", "status", "statistics", "liveStreamingDetails", "player")
CHANNEL_PARTS = ("id", "snippet", "contentDetails", "status", "statistics", "brandingSettings")

_RECORDING = {State.LIVE: "recording", State.COMPLETE: "recorded"}
_CONTENT = {State.LIVE: "live", State.COMPLETE: "none", State.REVOKED: "none"}


def resource(kind: str, identity: str, parts: Json, asked: Iterable[str]) -> Json:
    """One thing."""
    body: Json = {"kind": f"youtube#{kind}", "id": identity}
    body |= {name: part for name, part in parts.items() if name in set(asked)}
    return {"etag": _etag(body)} | body


def listing(kind: str, items: Sequence[Json], about: Json) -> Json:
    """Several, or none."""
    body = {"kind": f"youtube#{kind}ListResponse", **about, "items": list(items)}
    return {"etag": _etag(body)} | body


def broadcast(thing: Broadcast, asked: Iterable[str]) -> Json:
    """A liveBroadcast."""
    snippet = {
        **thing.snippet,
        "publishedAt": stamp(thing.created),
        "channelId": thing.channel,
        "isDefaultBroadcast": thing.persistent,
        "liveChatId": f"chat-{thing.id}",
        "thumbnails": _thumbnails(thing.id),
        **_times(thing),
    }
    status = {
        **thing.status,
        "lifeCycleStatus": thing.state.value,
        "recordingStatus": _RECORDING.get(thing.state, "notRecording"),
        "madeForKids": thing.status["selfDeclaredMadeForKids"],
    }
    details = dict(thing.details)
    if thing.stream:
        details |= {"boundStreamId": thing.stream, "boundStreamLastUpdateTimeMs": stamp(thing.bound)}
    parts: Json = {"snippet": snippet, "status": status, "contentDetails": details, "monetizationDetails": {}}
    parts["statistics"] = {"concurrentViewers": "1"} if thing.state is State.LIVE else {}
    return resource("liveBroadcast", thing.id, parts, asked)


def stream(thing: Stream, status: Json, asked: Iterable[str]) -> Json:
    """A liveStream. Its key stands in `cdn`."""
    snippet = {
        "publishedAt": stamp(thing.created),
        "channelId": thing.channel,
        "title": thing.title,
        "description": thing.description,
        "isDefaultStream": False,
    }
    parts: Json = {
        "snippet": snippet,
        "cdn": {**thing.cdn, "ingestionInfo": {"streamName": thing.key, **thing.addresses}},
        "status": status,
        "contentDetails": {"isReusable": thing.reusable, "closedCaptionsIngestionUrl": "http://upload.invalid/cc"},
    }
    return resource("liveStream", thing.id, parts, asked)


def video(thing: Broadcast, asked: Iterable[str]) -> Json:
    """The video of a broadcast."""
    snippet = {key: thing.snippet[key] for key in ("title", "description", "categoryId") if key in thing.snippet} | {
        "publishedAt": stamp(thing.created),
        "channelId": thing.channel,
        "thumbnails": _thumbnails(thing.id),
        "liveBroadcastContent": _CONTENT.get(thing.state, "upcoming"),
    }
    live = {"scheduledStartTime": thing.snippet["scheduledStartTime"], **_times(thing)}
    status = {
        "uploadStatus": "processed" if thing.state is State.COMPLETE else "uploaded",
        "privacyStatus": thing.privacy,
        "embeddable": thing.details["enableEmbed"],
        "madeForKids": thing.status["selfDeclaredMadeForKids"],
        "selfDeclaredMadeForKids": thing.status["selfDeclaredMadeForKids"],
    }
    parts: Json = {"snippet": snippet, "liveStreamingDetails": live, "status": status}
    parts |= {"contentDetails": {"duration": "P0D"}, "statistics": {"viewCount": "0"}, "player": {}}
    return resource("video", thing.id, parts, asked)


def channel(thing: Channel, asked: Iterable[str]) -> Json:
    """A channel."""
    parts: Json = {
        "snippet": {"title": thing.title, "description": ""},
        "status": {"privacyStatus": "public", "isLinked": True},
        "contentDetails": {"relatedPlaylists": {"uploads": f"UU{thing.id[2:]}"}},
        "statistics": {"viewCount": "0", "subscriberCount": "0", "videoCount": "0"},
        "brandingSettings": {"channel": {"title": thing.title}},
    }
    return resource("channel", thing.id, parts, asked)


def _times(thing: Broadcast) -> Json:
    times = {"actualStartTime": thing.started, "actualEndTime": thing.ended}
    return {name: stamp(at) for name, at in times.items() if at is not None}


def _thumbnails(identity: str) -> Json:
    return {"default": {"url": f"https://i.ytimg.com/vi/{identity}/default_live.jpg", "width": 120, "height": 90}}


def _etag(body: Json) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:27]
