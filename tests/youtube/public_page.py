"""The public page of a channel, /channel/UC…/live, in the shapes it comes in."""

from __future__ import annotations

import json
from enum import StrEnum
from urllib.parse import quote

from tests.youtube.call import Answer
from tests.youtube.clock import stamp
from tests.youtube.model import UPCOMING, Broadcast, Channel, Json, State
from tests.youtube.world import World


class Shape(StrEnum):
    """What can be asked for instead of what the state of the channel gives."""

    NOTHING = "nothing"  # the channel's page: nothing is live
    PAST = "past"  # the video of a broadcast that is over, still to be seen from its start
    OFFLINE = "offline"
    CONSENT = "consent"  # a redirect
    CONSENT_PAGE = "consent page"  # the page where such a redirect leads to
    CAPTCHA = "captcha"
    TOO_MANY = "429"
    UNKNOWN_SHAPE = "unknown shape"
    EMPTY = "empty"
    BROKEN = "broken"  # cut off in the middle


class PublicPage:
    """Unlisted and private broadcasts never stand there."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.shape: Shape | None = None  # None: what the channel's state gives

    def answer(self, channel: str) -> Answer:
        known = self._world.channels.get(channel)
        if known is None:
            return Answer.html("<html><head><title>404 Not Found</title></head><body></body></html>", 404)
        address = f"https://www.youtube.com/channel/{channel}/live"
        if self.shape is None or self.shape in {Shape.NOTHING, Shape.PAST, Shape.OFFLINE, Shape.BROKEN}:
            return self._shown(known)
        return _elsewhere(self.shape, address)

    def _shown(self, channel: Channel) -> Answer:
        public = [
            thing
            for thing in self._world.broadcasts(self._world.rules.page_lag)
            if thing.channel == channel.id and thing.privacy == "public"
        ]
        live = [thing for thing in public if thing.state is State.LIVE]
        upcoming = [thing for thing in public if thing.state in UPCOMING | {State.LIVE_STARTING}]
        past = [thing for thing in public if thing.state is State.COMPLETE]
        wanted: dict[Shape | None, list[Broadcast]] = {
            Shape.PAST: past,
            Shape.OFFLINE: live or upcoming or past,
            Shape.NOTHING: [],
        }
        found = wanted.get(self.shape, live or upcoming)
        if not found:
            return Answer.html(_channel(channel))
        text = _watch(found[0], self.shape)
        return Answer.html(text.partition("microformat")[0] if self.shape is Shape.BROKEN else text)


def _watch(thing: Broadcast, shape: Shape | None) -> str:
    live = thing.state is State.LIVE and shape is not Shape.OFFLINE
    details: Json = {"videoId": thing.id, "title": thing.title, "channelId": thing.channel, "isLiveContent": True}
    times: Json = {"isLiveNow": live}
    playability: Json = {"status": "OK", "playableInEmbed": True}
    if thing.started is not None:
        times["startTimestamp"] = stamp(thing.started)
    if live:
        details["isLive"] = True
    elif thing.state is State.COMPLETE and shape is not Shape.OFFLINE:
        details["isPostLiveDvr"] = True
        times["endTimestamp"] = stamp(thing.ended or thing.since)
    else:
        if shape is not Shape.OFFLINE:
            details["isUpcoming"] = True
            times["startTimestamp"] = thing.snippet["scheduledStartTime"]
        playability = {"status": "LIVE_STREAM_OFFLINE", "reason": "This live event will begin in a few moments."}
    response = {
        "playabilityStatus": playability,
        "videoDetails": details,
        "microformat": {"playerMicroformatRenderer": {"liveBroadcastDetails": times, "isUnlisted": False}},
    }
    canonical = f"https://www.youtube.com/watch?v={thing.id}"
    return _html(canonical, thing.title, f"var ytInitialPlayerResponse = {_script(response)};")


def _channel(channel: Channel) -> str:
    about = {"channelMetadataRenderer": {"title": channel.title, "externalId": channel.id}}
    return _html(f"https://www.youtube.com/channel/{channel.id}", channel.title, "", about)


def _html(canonical: str, title: str, player: str, metadata: Json | None = None) -> str:
    # What stands beside: others that are live have a badge that says so.
    beside: Json = {"contents": [{"videoRenderer": {"videoId": "someoneelse", "badges": [{"style": "LIVE_NOW"}]}}]}
    if metadata:
        beside["metadata"] = metadata
    return (
        "<!DOCTYPE html><html><head>"
        f'<link rel="canonical" href="{canonical}"><title>{_escaped(title)} - YouTube</title>'
        f'<script nonce="n">var ytcfg = {{"EXPERIMENT_FLAGS": {{"web_is_live_badge": true}}}};</script></head><body>'
        f'<script nonce="n">{player}</script>'
        f'<script nonce="n">var ytInitialData = {_script(beside)};</script>'
        f"{'<!-- padding -->' * 500}</body></html>"
    )


def _elsewhere(shape: Shape, address: str) -> Answer:
    if shape is Shape.CONSENT:
        return Answer.redirect(f"https://consent.youtube.com/m?continue={quote(address, safe='')}&gl=DE&m=0&hl=en")
    form = '<form action="https://consent.youtube.com/save" method="POST"><button>Accept all</button></form>'
    sorry = '<form id="captcha-form"><div class="g-recaptcha" data-sitekey="k"></div></form>'
    texts = {
        Shape.CONSENT_PAGE: f"<html><title>Before you continue to YouTube</title><body>{form}</body></html>",
        Shape.CAPTCHA: f"<html><title>{address}</title><body>{sorry}We have detected unusual traffic</body></html>",
        Shape.TOO_MANY: "<html><title>Error 429 (Too Many Requests)</title></html>",
        Shape.UNKNOWN_SHAPE: "<html><head><title>YouTube</title></head><body><div id=app></div></body></html>",
        Shape.EMPTY: "",
    }
    return Answer.html(texts[shape], 429 if shape is Shape.TOO_MANY else 200)


def _script(value: Json) -> str:
    # As YouTube writes it: a title with </script> in it ends no script.
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
