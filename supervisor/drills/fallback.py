"""What the drill of a fallback has to prove: other media arrives, and no connection is another one. Pure."""

from __future__ import annotations

from supervisor.drills.rules import Json
from supervisor.model.terms import Role


class FallbackWatch:
    """Looks at a stream, as the API tells it, from before the loss of its source on."""

    def __init__(self, before: Json) -> None:
        self.fallback: str | None = None  # the one that viewers are given, as soon as they are
        self.arrived = False  # something of it has arrived at every destination
        self._connections = {name: _connection(pusher) for name, pusher in _pushers(before).items()}
        self._sent: dict[str, int] = {}  # by destination, when another source was given first

    def look(self, stream: Json) -> str | None:
        """Take a look; what is broken in words, None for nothing."""
        pushers = _pushers(stream)
        for name, known in self._connections.items():
            if name not in pushers:
                return f"{name}: the destination is gone"
            if _connection(pushers[name]) != known:
                return f"{name}: the ingest got another connection"
        if stream["on_primary"]:
            return None
        sent = {name: _sent(pusher) for name, pusher in pushers.items()}
        if self.fallback is None:
            self.fallback, self._sent = str(stream["source"]), sent
        elif all(sent[name] > count for name, count in self._sent.items()):
            self.arrived = True
        return None


def _pushers(stream: Json) -> dict[str, Json]:
    return {one["destination"]: one for one in stream["processes"] if one["role"] == Role.PUSHER}


def _connection(pusher: Json) -> tuple[object, object]:
    """What is another one when the ingest was called anew: the run, and how often that has connected."""
    uplink = pusher["uplink"]
    return pusher["run_id"], uplink and uplink["connections"]


def _sent(pusher: Json) -> int:
    """Bytes that the ingest has acknowledged, or where nobody tells that, that were sent."""
    uplink, progress = pusher["uplink"], pusher["progress"]
    if uplink:
        return int(uplink["acked_bytes"])
    return int(progress["bytes"] or 0) if progress else 0
