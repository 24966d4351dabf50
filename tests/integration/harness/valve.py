"""A line that can be broken: a TCP proxy in front of an ingest. It freezes, thaws, refuses and cuts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Self

# Small, so that the kernel swallows a fraction of a second of a small stream and not a minute of it.
_RECEIVE_BUFFER = 32 * 1024
_READ_AHEAD = 4096


class Valve:
    """Forwards connections to a port of this machine; every method may be called from any thread."""

    def __init__(self, target: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.accepted = 0
        self._target = target
        self._tls = tls
        self._port = 0
        self._pause_per_byte = 0.0
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="valve", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"{'rtmps' if self._tls else 'rtmp'}://127.0.0.1:{self._port}/live"

    def freeze(self) -> None:
        """Read no further, on this and every new connection: accepted and silent."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def thaw(self) -> None:
        """Read on."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def limit(self, bytes_per_second: float | None) -> None:
        """Let no more through, of what comes from the publishers; None: as much as comes."""
        self._pause_per_byte = 1 / bytes_per_second if bytes_per_second else 0.0

    def cut(self) -> None:
        """Reset every connection."""
        self._call(self._cut)

    def refuse(self) -> None:
        """Reset every connection and take no new one."""
        self._call(self._refuse)

    def listen(self) -> None:
        """Take connections, after `refuse` on the same port."""
        self._call(self._listen)

    def _call(self, action: Callable[[], object]) -> None:
        async def run() -> None:
            answer = action()
            if asyncio.iscoroutine(answer):
                await answer

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    async def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        listener.bind(("127.0.0.1", self._port))
        self._port = int(listener.getsockname()[1])
        self._server = await asyncio.start_server(self._serve, sock=listener, limit=_READ_AHEAD, ssl=self._tls)

    async def _refuse(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        self._cut()

    def _cut(self) -> None:
        for writer in self._writers:
            transport = writer.transport
            if isinstance(transport, asyncio.Transport):
                transport.abort()

    async def _close(self) -> None:
        await self._refuse()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        link = asyncio.current_task()
        assert link is not None
        self._links.add(link)
        self._writers.add(writer)
        try:
            await self._flowing.wait()
            out_reader, out_writer = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(out_writer)
            try:
                await asyncio.gather(self._pump(reader, out_writer, thin=True), self._pump(out_reader, writer))
            finally:
                self._writers.discard(out_writer)
                await _shut(out_writer)
        except (OSError, asyncio.CancelledError):
            pass  # one side went away, or the test is over: so does the other side
        finally:
            self._links.discard(link)
            self._writers.discard(writer)
            await _shut(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, thin: bool = False) -> None:
        while data := await self._read(reader):
            writer.write(data)
            await writer.drain()
            if thin and self._pause_per_byte:
                await asyncio.sleep(len(data) * self._pause_per_byte)
        raise ConnectionResetError  # the end of one direction is the end of the connection

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        await self._flowing.wait()
        data = await reader.read(65536)
        await self._flowing.wait()
        return data


async def _shut(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.CancelledError):
        writer.close()
        await writer.wait_closed()
