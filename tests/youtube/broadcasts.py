"""The methods of liveBroadcasts."""

from __future__ import annotations

from dataclasses import replace

from tests.youtube import looks, writing
from tests.youtube.call import Answer, Call
from tests.youtube.errors import ApiError
from tests.youtube.life import entered
from tests.youtube.model import ON_SHOW, UPCOMING, Broadcast, State
from tests.youtube.query import page
from tests.youtube.quota import Quota
from tests.youtube.transitions import ASKED, transition
from tests.youtube.world import World

# YouTube takes "now", and a request is under way for a moment.
_LEEWAY = 5.0


class Broadcasts:
    """Each method answers a call of the login whose channel is given; all raise ApiError."""

    def __init__(self, world: World, quota: Quota) -> None:
        self._world = world
        self._quota = quota

    def list(self, call: Call, channel: str) -> Answer:
        query = call.query
        parts = query.parts(looks.BROADCAST_PARTS)
        used = query.filter("id", "mine", "broadcastStatus")
        kind = query.choice("broadcastType", ("event", "all", "persistent"), "event")
        found = [thing for thing in self._world.broadcasts(self._world.rules.list_lag) if thing.channel == channel]
        if used == "id":
            ids = query.ids()
            found = [thing for thing in found if thing.id in ids]
        else:
            found = [thing for thing in found if kind in {"all", "persistent" if thing.persistent else "event"}]
        if used == "broadcastStatus":
            states = self._states(query.choice("broadcastStatus", ("all", "active", "upcoming", "completed"), ""))
            found = [thing for thing in found if thing.state in states]
        shown, about = page(found, query)
        items = [looks.broadcast(thing, parts) for thing in shown]
        return Answer.of(looks.listing("liveBroadcast", items, about))

    def insert(self, call: Call, channel: str) -> Answer:
        parts = call.query.parts(looks.BROADCAST_PARTS)
        body = call.json()
        snippet = writing.snippet(writing.part(body, "snippet"), self._earliest())
        status = writing.status(writing.part(body, "status"))
        details = writing.details(writing.part(body, "contentDetails"))
        mine = [thing for thing in self._world.broadcasts() if thing.channel == channel]
        if sum(thing.state in UPCOMING for thing in mine) >= self._world.rules.broadcasts_limit:
            raise ApiError("userBroadcastsExceedLimit")
        self._quota.insert()
        now = self._world.clock.now()
        made = Broadcast(self._identity(), channel, now, snippet, status, details, since=now)
        return self._answer(self._world.put(made), parts)

    def update(self, call: Call, channel: str) -> Answer:
        parts = call.query.parts(looks.BROADCAST_PARTS)
        body = call.json()
        if not body.get("id"):
            raise ApiError("idRequired")
        thing = self._own(str(body["id"]), channel)
        # What a named part leaves out goes back to its default.
        if "snippet" in parts:
            written = writing.snippet(writing.part(body, "snippet"), self._earliest(), thing.snippet)
            thing = replace(thing, snippet=written)
        if "status" in parts:
            thing = replace(thing, status=writing.status(writing.part(body, "status")))
        if "contentDetails" in parts:
            if thing.state not in UPCOMING:
                raise ApiError("modificationNotAllowed")
            thing = replace(thing, details=writing.details(writing.part(body, "contentDetails"), update=True))
        return self._answer(self._world.put(thing), parts)

    def bind(self, call: Call, channel: str) -> Answer:
        identity = call.query.need("id")
        parts = call.query.parts(looks.BROADCAST_PARTS)
        thing = self._own(identity, channel)
        stream = call.query.one("streamId")
        if stream and self._world.stream(stream).channel != channel:
            raise ApiError("liveStreamNotFound")
        if thing.state not in UPCOMING:
            raise ApiError("liveBroadcastBindingNotAllowed")
        now = self._world.clock.now()
        state = State.READY if stream else State.CREATED
        since = thing.since if thing.state is state else now
        return self._answer(self._world.put(replace(thing, stream=stream, bound=now, state=state, since=since)), parts)

    def transition(self, call: Call, channel: str) -> Answer:
        identity = call.query.need("id")
        call.query.need("broadcastStatus")
        asked = call.query.choice("broadcastStatus", ASKED, "")
        parts = call.query.parts(looks.BROADCAST_PARTS)
        thing = self._own(identity, channel)
        active = self._world.active(thing)
        state = transition(thing.state, asked, monitor=thing.monitor, active=active, rules=self._world.rules)
        if asked == "live":
            self._room_for(thing)
        self._world.put(entered(thing, state, self._world.clock.now()))
        self._world.settle()
        return self._answer(self._world.broadcast(identity), parts)

    def delete(self, call: Call, channel: str) -> Answer:
        thing = self._own(call.query.need("id"), channel)
        if thing.state in ON_SHOW:
            raise ApiError("liveBroadcastDeletionNotAllowed")
        self._world.remove(thing)
        return Answer(204)

    def _own(self, identity: str, channel: str) -> Broadcast:
        thing = self._world.broadcast(identity)
        if thing.channel != channel:
            raise ApiError("liveBroadcastNotFound")
        return thing

    def _room_for(self, thing: Broadcast) -> None:
        others = [
            other
            for other in self._world.broadcasts()
            if other.state in {State.LIVE, State.LIVE_STARTING} and other.channel == thing.channel
        ]
        if len(others) >= self._world.rules.concurrent_limit:
            raise ApiError("concurrentBroadcastsExceedLimit")
        if sum(other.stream == thing.stream for other in others) >= self._world.rules.shared_ingestion_limit:
            raise ApiError("sharedIngestionBroadcastsExceedLimit")

    def _states(self, word: str) -> frozenset[State]:
        return {
            "all": frozenset(State),
            "active": self._world.rules.active_states,
            "upcoming": UPCOMING,
            "completed": frozenset({State.COMPLETE}),
        }[word]

    def _identity(self) -> str:
        return f"bc{self._world.number():09d}"  # 11 characters, as videos have

    def _earliest(self) -> float:
        return self._world.clock.theirs() - _LEEWAY

    @staticmethod
    def _answer(thing: Broadcast, parts: set[str]) -> Answer:
        return Answer.of(looks.broadcast(thing, parts))
