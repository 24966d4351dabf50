"""The certificate that the server shows, as its files have it: replaced files count for the next connection. IO."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Final

import structlog

from supervisor.config.stamp import stamp_of
from supervisor.config.tls import BadTls, server_context

_LOOKED_AT: Final = 1.0  # seconds between two looks

_log = structlog.get_logger("neverdark.http")


class Certificate:
    """Certificate and key of a server. Lives on its loop; who connects has the files looked at, once a second.

    What cannot be used is told, and the one before stays: the two files may be replaced one after the other.
    """

    def __init__(self, cert_file: Path, key_file: Path) -> None:
        """Raises `BadTls`."""
        self._files = cert_file, key_file
        self._read = self._stamps()
        self._context = server_context(*self._files)
        self._looked = float("-inf")
        self._looking: asyncio.Future[None] | None = None
        self._rejected: object = None
        self._told: object = None

    async def context(self) -> ssl.SSLContext:
        """The one to show now."""
        loop = asyncio.get_running_loop()
        if self._looking is None and loop.time() - self._looked >= _LOOKED_AT:
            self._looked = loop.time()
            self._looking = loop.run_in_executor(None, self._look)
            self._looking.add_done_callback(self._looked_at)
        if self._looking is not None:
            await asyncio.wait([self._looking], timeout=_LOOKED_AT)  # a disk that hangs holds nobody up for longer
        return self._context

    def _looked_at(self, _look: object) -> None:
        self._looking = None

    def _look(self) -> None:
        """Blocks."""
        now = self._stamps()
        if now == self._read:
            return
        try:
            context = server_context(*self._files)
        except BadTls as error:
            # Told at the second look: by then both files should be there.
            if self._rejected == now != self._told:
                self._told = now
                _log.error(
                    "new certificate cannot be used, the old one stays", key=f"tls.{error.key}", problem=str(error)
                )
            self._rejected = now
            return
        self._read, self._context, self._told = now, context, None
        _log.info("new certificate", file=str(self._files[0]))

    def _stamps(self) -> object:
        return tuple(map(stamp_of, self._files))
