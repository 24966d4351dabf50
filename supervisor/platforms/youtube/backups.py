"""Asks where backups are sent to whose address the configuration leaves to YouTube, and keeps the answers. IO; blocks.

What is kept, the configuration reads: see `supervisor.config.addresses`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final, Protocol

from supervisor.config.addresses import FILE_NAME, USUAL, Asked, is_address, read_addresses, written_addresses
from supervisor.config.shape import Config
from supervisor.platforms.youtube.errors import YoutubeError
from supervisor.platforms.youtube.private_file import alone_with, write_private
from supervisor.platforms.youtube.quota import Use

_EVERY: Final = 86_400.0
_AFTER_A_FAILURE: Final = 300.0


class Asks(Protocol):
    """As `client.Client` does."""

    def backup_address(self, stream_id: str, *, use: Use = Use.REPAIR) -> str | None:
        """Without the key; None: it has none."""
        ...


class Backups:
    """Those of one login. `follow` says of which streams."""

    def __init__(self, file: Path, now: Callable[[], float]) -> None:
        self.stream_ids: Collection[str] = ()
        self._file = file
        self._now = now
        self._again: dict[str, float] = {}

    def look(self, api: Asks) -> None:
        """Ask for those that are due, each once a day. A failure is none of anybody's business: it is asked again."""
        now = self._now()
        for stream_id in self.stream_ids:
            if now < self._again.get(stream_id, now):
                continue
            try:
                address = api.backup_address(stream_id, use=Use.POLL)
                self._again[stream_id] = now + _EVERY
                if is_address(address) and address:
                    self._keep(stream_id, address)
            except (YoutubeError, OSError):
                self._again[stream_id] = now + _AFTER_A_FAILURE

    def _keep(self, stream_id: str, address: str) -> None:
        with alone_with(self._file):
            known = read_addresses(self._file)
            if known.get(stream_id, USUAL) != address:
                write_private(self._file, written_addresses({**known, stream_id: address}))


def asked_of(config: Config) -> Iterator[Asked]:
    """The backups whose address is YouTube's: the one that it told, or the usual one."""
    known: dict[str, str] | None = None
    for name, stream in config.streams.items():
        primary = next((one for one in stream.destinations.values() if one.role == "primary"), None)
        for key, one in stream.destinations.items():
            place = one.youtube or (primary.youtube if primary else None)
            if one.role != "backup" or place is None or place.account is None or place.stream_id is None:
                continue
            if known is None:
                known = dict(read_addresses(config.data_dir / FILE_NAME))
            if one.url.get_secret_value() == known.get(place.stream_id, USUAL):
                yield Asked(name, key, place.account, place.stream_id)
