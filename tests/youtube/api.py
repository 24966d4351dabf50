"""The API: who asks, what it costs, what is answered."""

from __future__ import annotations

from collections.abc import Callable

from tests.youtube.broadcasts import Broadcasts
from tests.youtube.call import Answer, Call
from tests.youtube.errors import ApiError
from tests.youtube.oauth import OAuth
from tests.youtube.others import Others
from tests.youtube.quota import Quota
from tests.youtube.world import World

_READ = "https://www.googleapis.com/auth/youtube.readonly"


class Api:
    """Answers what the router found to be a method of the API."""

    def __init__(self, world: World, quota: Quota, oauth: OAuth) -> None:
        self._quota = quota
        self._oauth = oauth
        broadcasts, others = Broadcasts(world, quota), Others(world)
        self._methods: dict[str, Callable[[Call, str], Answer]] = {
            "liveBroadcasts.list": broadcasts.list,
            "liveBroadcasts.insert": broadcasts.insert,
            "liveBroadcasts.update": broadcasts.update,
            "liveBroadcasts.bind": broadcasts.bind,
            "liveBroadcasts.transition": broadcasts.transition,
            "liveBroadcasts.delete": broadcasts.delete,
            "liveStreams.list": others.streams,
            "liveStreams.insert": others.new_stream,
            "channels.list": others.channels,
            "videos.list": others.videos,
            "thumbnails.set": others.thumbnail,
        }

    @property
    def methods(self) -> frozenset[str]:
        return frozenset(self._methods)

    def admit(self, call: Call) -> str:
        """The channel of who asks, who has paid for it then. Raises ApiError."""
        grant = self._oauth.grant_of(call.bearer)
        self._quota.charge(call.name)
        if not call.name.endswith(".list") and set(grant.scopes) <= {_READ}:
            raise ApiError("insufficientPermissions")
        return grant.channel

    def answer(self, call: Call, channel: str) -> Answer:
        """Raises ApiError."""
        return self._methods[call.name](call, channel)
