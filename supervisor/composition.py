"""The composition: what a running neverdark is made of, put together in this one place."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from supervisor import __version__
from supervisor.config.file import Loaded, load
from supervisor.config.problems import ConfigError, ConfigWarning, Problem
from supervisor.control import EngineControl
from supervisor.engine import Engine, Home, Read, Workshop
from supervisor.journal.journal import Journal
from supervisor.machine.data_dir import DataDir
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.machine.machine import Machine
from supervisor.machine.service_manager import ServiceManager
from supervisor.model.availability import HOUR, Hours, hour_of
from supervisor.model.events import Payload
from supervisor.model.zones import local_offset
from supervisor.platforms.logins import logins_at_platforms
from supervisor.preflight.preflight import ca_bundle, lacking_for, preflight, room_for_connections
from supervisor.probes.probes import Probes
from supervisor.store.database import Database
from supervisor.store.made_copy import FILE as COPY
from supervisor.store.sqlite import FILE, SqliteFile
from supervisor.store.store import Store
from supervisor.store.trouble import NewerDatabase

LAST_WRITE_SECONDS = 2.0  # of the store, at the end
_PULSE_SECONDS = 60.0
_STOP = (signal.SIGTERM, signal.SIGINT)
_LEAVE = (signal.SIGUSR1, signal.SIGUSR2)  # the first is followed by a new start


class Face(Protocol):
    """What others see of a running neverdark: see `exporter.http.HttpServer`."""

    def bind(self) -> None:
        """Take the port. Raises OSError."""
        ...

    def start(self) -> None:
        """Answer."""
        ...

    def stop(self) -> None:
        """Answer nobody any more; blocks."""
        ...


MakeFace = Callable[[EngineControl, Callable[[], int]], Face]  # with how many connections there is room for


def open_store(file: Path, loaded: Loaded, data_dir: DataDir) -> Store:
    """What remembers. Raises ConfigError for a database that is newer than this version."""
    database: Database
    if url := loaded.config.database_url:
        from supervisor.store.postgres import Postgres  # noqa: PLC0415 - takes time that SQLite's users need not wait

        try:
            key, database = "database_url", Postgres(url.get_secret_value())
        except ValueError as error:
            data_dir.close()
            raise ConfigError(file, [Problem("database_url", None, str(error))]) from None
    else:
        key, database = "data_dir", SqliteFile(data_dir.path / FILE)
    store = Store(database, __version__, loaded.config.history_days, copy=data_dir.path / COPY)
    store.number([(name, place) for name, stream in loaded.config.streams.items() for place in stream.destinations])
    try:
        store.open()
    except NewerDatabase as error:
        store.close(LAST_WRITE_SECONDS)
        data_dir.close()
        raise ConfigError(file, [Problem(key, repr(database.name), str(error))]) from None
    return store


async def serve(
    file: Path,
    loaded: Loaded,
    binary: Binary,
    data_dir: DataDir,
    warnings: tuple[ConfigWarning, ...],
    store: Store,
    make_face: MakeFace,
) -> bool:
    """Engine, journal, face, signals, until the end. Returns whether the program is to be started again."""
    # The loop must get the interpreter back quickly while a scrape is rendered in its thread.
    sys.setswitchinterval(0.001)
    loop = asyncio.get_running_loop()
    warnings = _with_made(warnings, store)
    engine = _engine(file, loaded, binary, data_dir, len(warnings), store)
    journal = Journal()
    engine.listeners += [journal, store]
    manager = ServiceManager(os.environ)
    engine.ticked = lambda: manager.tick(engine.machine.now(), started=engine.started)
    is_to_start_again = _listen_to_signals(loop, engine, manager)
    pulse = _heart(store, engine)
    control = EngineControl(engine, loop, data_dir, store, pulse)
    http = make_face(control, lambda: room_for_connections(engine.loaded.config))

    def ready() -> None:
        http.start()
        page = f"http{'s' if loaded.config.tls else ''}://{loaded.config.listen}/"
        journal.ready(__version__, file, page, binary.path, len(engine.streams))
        journal.warn(file, warnings)
        _hear_of(store, engine, loop)

    try:
        http.bind()  # before anything is touched: if the port is taken, another neverdark may be at work
        pulses = loop.create_task(_beat(pulse, engine))
        await engine.run(ready)
        pulses.cancel()
        pulse()
    finally:
        await loop.run_in_executor(None, http.stop)
        manager.close()
    journal.over(left=engine.left)
    return is_to_start_again()


def _engine(file: Path, loaded: Loaded, binary: Binary, data_dir: DataDir, warnings: int, store: Store) -> Engine:
    """The engine, and what it is made of."""
    ca_file = ca_bundle()

    def read() -> Read:
        again = load(file)
        return again, _with_made(preflight(again, binary, file), store)

    home = Home(
        file, binary, data_dir, ca_file, Workshop(store, lambda config, stream: lacking_for(config, stream, binary))
    )
    machine = Machine()
    engine = Engine(home, loaded, machine, Probes(data_dir.path, ca_file), read, warnings, store)
    engine.ask_platforms(logins_at_platforms(data_dir.path, machine.now, machine.wall))
    return engine


def _with_made(warnings: tuple[ConfigWarning, ...], store: Store) -> tuple[ConfigWarning, ...]:
    """That the file wants no stream is nothing to be told of where others were made by API."""
    return tuple(one for one in warnings if one.about != "streams" or not store.made())


def _listen_to_signals(loop: AbstractEventLoop, engine: Engine, manager: ServiceManager) -> Callable[[], bool]:
    """Returns what tells, at the end, whether the program is to be started again in this one's place."""
    again = False

    def stop() -> None:
        manager.stopping()
        engine.stop()

    def leave() -> None:
        manager.stopping()
        engine.leave()

    def end() -> None:
        (leave if engine.loaded.config.shutdown == "leave" else stop)()

    def start_again() -> None:
        nonlocal again
        again = True
        manager.reloading()
        signal.pthread_sigmask(signal.SIG_BLOCK, (*_STOP, *_LEAVE, signal.SIGHUP))  # until the next one listens
        engine.leave()

    def reload() -> None:
        manager.reloading()
        engine.reload().add_done_callback(lambda _: manager.reloaded())

    for number, work in zip((*_STOP, *_LEAVE), (end, stop, start_again, leave), strict=True):
        loop.add_signal_handler(number, work)
    loop.add_signal_handler(signal.SIGHUP, reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (*_STOP, *_LEAVE, signal.SIGHUP))  # see `start_again`
    return lambda: again and engine.left


def _hear_of(store: Store, engine: Engine, loop: AbstractEventLoop) -> None:
    """What the store has to tell of itself becomes facts; it tells in a thread of its own."""

    def tell(what: Payload) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(engine.tell, what)

    store.tell_by(tell)


def _heart(store: Store, engine: Engine) -> Callable[[], None]:
    """What lets the store know that neverdark lives, after a kill, that is when it ended; and how it does."""
    wall = engine.machine.wall
    hours = Hours(wall(), local_offset(wall()))

    def pulse() -> None:
        now = wall()
        booked = {name: stream.air.time.booked() for name, stream in engine.streams.items()}
        store.pulse(engine.incidents(None) or (), hours.look(now, booked, local_offset(now)))

    return pulse


async def _beat(pulse: Callable[[], None], engine: Engine) -> None:
    """Every minute, and when an hour is over."""
    while True:
        now = engine.machine.wall()
        left = hour_of(now, local_offset(now)) + HOUR - now
        await asyncio.sleep(min(_PULSE_SECONDS, left))
        pulse()
