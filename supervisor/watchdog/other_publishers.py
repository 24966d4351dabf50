"""Looks for another neverdark of this machine that publishes where we do, and tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from supervisor.model import events
from supervisor.model.terms import ProcessKey
from supervisor.probes.probes import Probes
from supervisor.watchdog.interfaces import AnyProcess

_FIRST, _EVERY = 1.0, 30.0


def publishing_place(target: tuple[str, ...]) -> str:
    """Where a pusher publishes, by its URL and key: the same text for the same place. It holds the key."""
    url, key = target
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    path = "/".join(filter(None, (parts.path.strip("/"), key)))
    return f"{(parts.hostname or '').rstrip('.').lower()}:{parts.port or ''}/{path}{query}"


class OtherPublishers:
    """Looks twice a minute, and tells of each destination once, for as long as somebody else is there."""

    def __init__(self, probes: Probes, pushers: Callable[[], Iterable[AnyProcess]], tell: events.Tell) -> None:
        self._probes = probes
        self._pushers = pushers
        self._tell = tell
        self._known: dict[ProcessKey, str] = {}

    def of(self, key: ProcessKey) -> str | None:
        """Who else publishes where this pusher does, in words; None when nobody is known to."""
        return self._known.get(key)

    async def run_forever(self) -> None:
        """Look, and tell what is new."""
        wait = _FIRST
        while True:
            await asyncio.sleep(wait)
            wait = _EVERY
            await self.look()

    async def look(self) -> None:
        """Who is there now."""
        mine = {
            pusher.key: publishing_place(pusher.spec.target)
            for pusher in self._pushers()
            if pusher.spec.ingest and pusher.status.wanted
        }
        try:
            found: Mapping[str, str] = await self._probes.publishers(mine.values())
        except OSError:  # a machine without such a folder, or one that is not ours alone: nobody is seen
            found = {}
        known = {key: found[place] for key, place in mine.items() if place in found}
        for key in known.keys() - self._known.keys():
            self._tell(events.AnotherPublisher(key.stream, key.destination, known[key]))
        self._known = known
