"""A person at YouTube Studio, or another program of theirs: what happens to a channel and is not ours."""

from __future__ import annotations

from dataclasses import replace

from tests.youtube import writing
from tests.youtube.clock import stamp
from tests.youtube.life import entered
from tests.youtube.model import Broadcast, Channel, Json, State, Stream
from tests.youtube.others import ADDRESSES
from tests.youtube.world import World

_WAY = {
    State.CREATED: (),
    State.READY: (),
    State.TEST_STARTING: (State.TEST_STARTING,),
    State.TESTING: (State.TESTING,),
    State.LIVE_STARTING: (State.LIVE_STARTING,),
    State.LIVE: (State.LIVE,),
    State.COMPLETE: (State.LIVE, State.COMPLETE),
    State.REVOKED: (State.REVOKED,),
}


class Studio:
    """What it does is so at once, whatever a program would be allowed. Broadcasts are named by id, or by themselves."""

    def __init__(self, world: World, channel: str) -> None:
        self._world = world
        self._channel = channel

    def channel(self, identity: str, title: str = "Another channel") -> Channel:
        """One more channel."""
        with self._world.lock:
            self._world.channels[identity] = Channel(identity, title)
            return self._world.channels[identity]

    def of(self, channel: Channel) -> Studio:
        """The same for another channel."""
        return Studio(self._world, channel.id)

    def stream(self, key: str, *, title: str = "Default stream key", addresses: Json | None = None) -> Stream:
        """A reusable stream with this key; `addresses` instead of YouTube's (`ingestionAddress`, …)."""
        with self._world.lock:
            cdn = {"frameRate": "variable", "ingestionType": "rtmp", "resolution": "variable"}
            identity = f"{self._channel[2:]}{self._world.number():012d}"
            made = Stream(
                identity, self._channel, self._world.clock.now(), key, title, cdn, ADDRESSES | (addresses or {})
            )
            self._world.streams[made.id] = made
            return made

    def delete_stream(self, stream: Stream) -> None:
        """It is gone, whatever was bound to it."""
        with self._world.lock:
            del self._world.streams[stream.id]

    def broadcast(
        self,
        title: str = "By a person",
        *,
        stream: Stream | None = None,
        state: State | str = State.READY,
        privacy: str = "public",
        monitor: bool = False,
        persistent: bool = False,
        **details: bool,
    ) -> Broadcast:
        """A broadcast in this state; `details` are fields of contentDetails (enableAutoStart=True)."""
        with self._world.lock:
            now = self._world.clock.now()
            snippet = {"title": title, "description": "", "scheduledStartTime": stamp(now), "categoryId": "22"}
            status = {"privacyStatus": privacy, "selfDeclaredMadeForKids": False}
            delay = {"enableMonitorStream": monitor, "broadcastStreamDelayMs": 0}
            made = Broadcast(
                f"st{self._world.number():09d}",
                self._channel,
                now,
                snippet,
                status,
                writing.details({"monitorStream": delay, **details}),
                state=State.READY if stream else State.CREATED,
                since=now,
                stream=stream.id if stream else None,
                bound=now if stream else 0.0,
                persistent=persistent,
                by_api=False,
            )
            for step in _WAY[State(state)]:
                made = entered(made, step, now)
            return self._world.put(made)

    def start(self, broadcast: Broadcast | str) -> Broadcast:
        """Go live."""
        return self._enter(broadcast, State.LIVE)

    def end(self, broadcast: Broadcast | str) -> Broadcast:
        """End stream: it is final."""
        return self._enter(broadcast, State.COMPLETE)

    def revoke(self, broadcast: Broadcast | str) -> Broadcast:
        """YouTube takes it down."""
        return self._enter(broadcast, State.REVOKED)

    def delete(self, broadcast: Broadcast | str) -> None:
        """It is gone."""
        with self._world.lock:
            self._world.remove(self._now(broadcast))

    def bind(self, broadcast: Broadcast | str, stream: Stream | None) -> Broadcast:
        """To this stream, whatever it was bound to."""
        with self._world.lock:
            thing = self._now(broadcast)
            bound = self._world.clock.now()
            return self._world.put(replace(thing, stream=stream.id if stream else None, bound=bound))

    def schedule(self, broadcast: Broadcast | str, at: float) -> Broadcast:
        """It shall start at another time."""
        return self.edit(broadcast, scheduledStartTime=stamp(at))

    def edit(self, broadcast: Broadcast | str, **snippet: str) -> Broadcast:
        """Another title or description."""
        with self._world.lock:
            thing = self._now(broadcast)
            return self._world.put(replace(thing, snippet=thing.snippet | snippet))

    def hide(self, broadcast: Broadcast | str, privacy: str = "unlisted") -> Broadcast:
        """Another privacy."""
        with self._world.lock:
            thing = self._now(broadcast)
            return self._world.put(replace(thing, status=thing.status | {"privacyStatus": privacy}))

    def look(self, broadcast: Broadcast | str) -> Broadcast:
        """As it is now, without any lag. Raises ApiError where it is gone."""
        with self._world.lock:
            return self._now(broadcast)

    def all(self) -> list[Broadcast]:
        """All broadcasts as they are now, the newest first."""
        with self._world.lock:
            return self._world.broadcasts()

    def made(self) -> list[Broadcast]:
        """Those that came by the API, the newest first."""
        return [thing for thing in self.all() if thing.by_api]

    def live(self) -> list[Broadcast]:
        """Those that viewers see."""
        return [thing for thing in self.all() if thing.state is State.LIVE]

    def _enter(self, broadcast: Broadcast | str, state: State) -> Broadcast:
        with self._world.lock:
            return self._world.put(entered(self._now(broadcast), state, self._world.clock.now()))

    def _now(self, broadcast: Broadcast | str) -> Broadcast:
        return self._world.broadcast(broadcast if isinstance(broadcast, str) else broadcast.id)
