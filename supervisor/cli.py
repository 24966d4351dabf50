"""The command `neverdark`, and the one place where everything is put together."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import errno
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from supervisor import __version__
from supervisor.commands.parser import CONFIG_FILES, build_parser
from supervisor.machine.exits import Loop
from supervisor.machine.standard_streams import flushed, open_closed_ones

if TYPE_CHECKING:  # `run` listens to signals before it loads anything that takes time
    from asyncio import AbstractEventLoop

    from supervisor.commands.api import Api
    from supervisor.config.file import Loaded
    from supervisor.config.problems import ConfigWarning
    from supervisor.engine import Engine
    from supervisor.machine.data_dir import DataDir
    from supervisor.machine.ffmpeg_binary import Binary
    from supervisor.machine.service_manager import ServiceManager
    from supervisor.model.events import Payload
    from supervisor.store.store import Store

DONE, FAILED, WRONG = 0, 1, 2
_AGAIN = -1  # of `run`: it is to be started anew, in the same process
_STOP = (signal.SIGTERM, signal.SIGINT)
_LEAVE = (signal.SIGUSR1, signal.SIGUSR2)  # the first is followed by a new start
_PULSE_SECONDS = 60.0
_LAST_WRITE_SECONDS = 2.0
_CANNOT_BE_WRITTEN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EPIPE})


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 failed, 2 wrong usage or configuration."""
    open_closed_ones()
    try:
        code = _main(argv)
    except SystemExit:  # argparse: help, version, wrong usage
        if not flushed():
            raise SystemExit(FAILED) from None
        raise
    except OSError as error:  # the reader of our output went away, or the disk that it goes to is full
        if error.filename is not None or error.errno not in _CANNOT_BE_WRITTEN:
            raise
        code = FAILED
    return code if flushed() or code != DONE else FAILED


def _main(argv: Sequence[str] | None) -> int:
    codecs.register_error("spelt", _spelt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="spelt")
    args = build_parser(_COMMANDS).parse_args(argv)
    command: Callable[[argparse.Namespace], int] = args.do
    if command is _run:
        # Until the loop listens to signals nothing runs: ending is all there is to do. An exception could get lost.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(DONE))
        for number in (signal.SIGHUP, *_LEAVE):
            signal.signal(number, signal.SIG_IGN)
    from supervisor.config.problems import ConfigError

    try:
        code = command(args)
    except ConfigError as error:
        with contextlib.suppress(OSError):
            print(error, file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        return FAILED
    if command is _run:
        flushed()  # its streams were kept and have ended in order, whoever read about it
    return code


def _spelt(error: UnicodeError) -> tuple[str, int]:
    """What the terminal's encoding has no sign for, as JSON spells it: `--json` is for programs."""
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _version(args: argparse.Namespace) -> int:
    del args
    print(f"neverdark {__version__}")
    return DONE


def _help(args: argparse.Namespace) -> int:
    parser: argparse.ArgumentParser = args.commands[args.command] if args.command else args.parser
    parser.print_help()
    return DONE


def _may_be_there(file: Path) -> bool:
    """Whether to try it; what cannot even be looked for is tried, so that it is said why."""
    try:
        return file.exists()
    except OSError:
        return True


def _config_file(args: argparse.Namespace) -> Path:
    if args.config is not None:
        return Path(args.config)
    found = next((file for file in CONFIG_FILES if _may_be_there(file)), None)
    if found is None:
        from supervisor.config.problems import ConfigError, Problem

        names = " and ".join(map(str, CONFIG_FILES))
        raise ConfigError(CONFIG_FILES[0], [Problem("", None, f"not found (looked for {names}; -c names another)")])
    return found


# --- the engine ------------------------------------------------------------------------------------


def _check(args: argparse.Namespace) -> int:
    from supervisor.config.file import load
    from supervisor.config.problems import ConfigError
    from supervisor.preflight.checkup import checkup
    from supervisor.preflight.preflight import doubts, find_ffmpeg, lacking, unusable, wrong_certificate

    file = _config_file(args)
    loaded = load(file)
    binary = find_ffmpeg(loaded, file)
    found = checkup(loaded.config, binary)
    wrong = {problem.path for problem in found.problems}  # said once: as what keeps it from working
    places = [warning for warning in doubts(loaded, file) if warning.about not in wrong]
    warnings = [*places, *loaded.fragments.warnings(found.warnings)]
    for warning in warnings:
        print(f"{file}: warning: {warning}", file=sys.stderr)
    for proved in found.proved:
        print(f"{file}: {proved}")
    config = loaded.config
    if problems := [
        *lacking(config, binary),
        *wrong_certificate(config),
        *unusable(config, binary),
        *found.problems,
    ]:
        raise ConfigError(file, loaded.fragments.problems(problems))
    version = ".".join(map(str, binary.version))
    warned = f", with {_many(len(warnings), 'warning')}" if warnings else ""
    print(f"{file}: good ({_many(len(loaded.config.streams), 'stream')}, FFmpeg {version} at {binary.path}){warned}")
    return WRONG if warnings and args.strict else DONE


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _run(args: argparse.Namespace) -> int:
    import asyncio

    from supervisor.config.file import load
    from supervisor.config.problems import ConfigError, Problem
    from supervisor.config.tls import BadTls
    from supervisor.journal import lines
    from supervisor.machine.data_dir import DataDir, DataDirInUse, Untrusted
    from supervisor.preflight.preflight import find_ffmpeg, preflight

    file = _config_file(args)
    loaded = load(file)
    binary = find_ffmpeg(loaded, file)
    warnings = preflight(loaded, binary, file, starting=True)
    try:
        data_dir = DataDir(loaded.config.data_dir)
    except DataDirInUse as error:
        print(error.strerror, file=sys.stderr)
        return FAILED
    except OSError as error:
        if isinstance(error, Untrusted):
            reason = f"expected a directory of neverdark's own, but {error.strerror}; if it is to be so: {error.remedy}"
        else:
            reason = f"expected a directory that can be made and opened: {error.strerror}"
        raise ConfigError(file, [Problem("data_dir", repr(str(loaded.config.data_dir)), reason)]) from None
    _keep_descriptors_to_ourselves()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a parent that ignores it would have our children vanish unseen
    store = _open_store(file, loaded, data_dir)
    writer = lines.configure()
    try:
        with asyncio.Runner(loop_factory=Loop) as runner:
            code = runner.run(_serve(file, loaded, binary, data_dir, warnings, store))
    except (OSError, TimeoutError, BadTls) as error:
        print(f"neverdark: {error}", file=sys.stderr)
        return FAILED
    finally:
        if lost := store.close(_LAST_WRITE_SECONDS):
            print(f"neverdark: {lost} records of what happened last could not be written", file=sys.stderr)
        writer.close()
        data_dir.close()
    return _run_again() if code == _AGAIN else code


def _run_again() -> int:
    """The program as it is installed now takes the place of this one: pid, arguments and children stay."""
    flushed()
    try:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - what runs is ourselves
    except OSError as error:
        print(f"neverdark: cannot start again: {error}; its processes run on", file=sys.stderr)
        return FAILED


def _open_store(file: Path, loaded: Loaded, data_dir: DataDir) -> Store:
    """What remembers. Raises ConfigError for a database that is newer than this version."""
    from supervisor.config.problems import ConfigError, Problem
    from supervisor.store.database import Database
    from supervisor.store.made_copy import FILE as COPY
    from supervisor.store.sqlite import FILE, SqliteFile
    from supervisor.store.store import Store
    from supervisor.store.trouble import NewerDatabase

    database: Database
    if url := loaded.config.database_url:
        from supervisor.store.postgres import Postgres

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
        store.close(_LAST_WRITE_SECONDS)
        data_dir.close()
        raise ConfigError(file, [Problem(key, repr(database.name), str(error))]) from None
    return store


def _keep_descriptors_to_ourselves() -> None:
    """What our own parent left open (a lock, a make's pipe) is not for FFmpeg to hold on to."""
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if int(entry.name) > 2:  # noqa: PLR2004 - standard errors
                os.set_inheritable(int(entry.name), False)  # noqa: FBT003 - positional only


def _engine(file: Path, loaded: Loaded, binary: Binary, data_dir: DataDir, warnings: int, store: Store) -> Engine:
    """The engine, and what it is made of."""
    from supervisor.config.file import load
    from supervisor.engine import Engine, Home, Read, Workshop
    from supervisor.machine.machine import Machine
    from supervisor.platforms.logins import logins_at_platforms
    from supervisor.preflight.preflight import ca_bundle, lacking_for, preflight
    from supervisor.probes.probes import Probes

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


async def _serve(
    file: Path, loaded: Loaded, binary: Binary, data_dir: DataDir, warnings: tuple[ConfigWarning, ...], store: Store
) -> int:
    """The composition: engine, journal, HTTP server, signals."""
    import asyncio

    from exporter.certificate import Certificate
    from exporter.http import HttpServer
    from supervisor.config.tokens import FILE as TOKENS
    from supervisor.config.tokens import TokenFile
    from supervisor.control import EngineControl
    from supervisor.journal.journal import Journal
    from supervisor.machine.service_manager import ServiceManager
    from supervisor.preflight.preflight import room_for_connections

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
    tls = loaded.config.tls
    http = HttpServer(
        control,
        loaded.config.listen,
        loaded.config.token,
        __version__,
        lambda: room_for_connections(engine.loaded.config),
        tokens=TokenFile(data_dir.held(TOKENS)),
        metrics_listen=loaded.config.metrics_listen,
        certificate=Certificate(tls.cert_file, tls.key_file) if tls else None,
    )

    def ready() -> None:
        http.start()
        page = f"http{'s' if tls else ''}://{loaded.config.listen}/"
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
    return _AGAIN if is_to_start_again() else DONE


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
    from supervisor.model.availability import Hours
    from supervisor.model.zones import local_offset

    wall = engine.machine.wall
    hours = Hours(wall(), local_offset(wall()))

    def pulse() -> None:
        now = wall()
        booked = {name: stream.air.time.booked() for name, stream in engine.streams.items()}
        store.pulse(engine.incidents(None) or (), hours.look(now, booked, local_offset(now)))

    return pulse


async def _beat(pulse: Callable[[], None], engine: Engine) -> None:
    """Every minute, and when an hour is over."""
    import asyncio

    from supervisor.model.availability import HOUR, hour_of
    from supervisor.model.zones import local_offset

    while True:
        now = engine.machine.wall()
        left = hour_of(now, local_offset(now)) + HOUR - now
        await asyncio.sleep(min(_PULSE_SECONDS, left))
        pulse()


def _demo(args: argparse.Namespace) -> int:
    from supervisor.commands.demo import run_demo

    return run_demo(args.seconds)


def _token(args: argparse.Namespace) -> int:
    from supervisor.commands import token
    from supervisor.config.file import data_dir_of

    directory = data_dir_of(_config_file(args))
    match args.action:
        case "create":
            return token.create(directory, args.name, args.scope, quiet=args.quiet)
        case "list":
            return token.show(directory, as_json=args.json)
        case _:
            return token.revoke(directory, args.name)


def _youtube(args: argparse.Namespace) -> int:
    from supervisor.commands import youtube, youtube_view
    from supervisor.config.file import load

    if args.action == "plan":
        return youtube_view.plan(_api(args), args.stream)
    config = load(_config_file(args)).config
    match args.action:
        case "login":
            return youtube.login(config, args.account, by_browser=args.loopback)
        case "logout":
            return youtube.logout(config, args.account)
        case "streams":
            return youtube_view.streams(config, args.account)
        case _:
            return youtube.status(config, args.account)


def _install_service(args: argparse.Namespace) -> int:
    from supervisor.commands.install_service import install

    config = Path(args.config) if args.config else CONFIG_FILES[-1]
    return install(config, args.user, args.credential, args.directory, show=args.show, force=args.force)


def _end_leftovers(args: argparse.Namespace) -> int:
    if args.after_service_stop and os.environ.get("SERVICE_RESULT") != "timeout":
        return DONE  # it ended in order, or the next one looks after what it has left
    from supervisor.config.file import data_dir_of
    from supervisor.machine.data_dir import DataDir
    from supervisor.machine.orphans import end_orphans

    directory = data_dir_of(_config_file(args))
    if not directory.exists():
        return DONE
    try:
        data_dir = DataDir(directory)
        try:
            ended = end_orphans(data_dir)
        finally:
            data_dir.close()
    except (OSError, TimeoutError) as error:
        print(f"neverdark: {error.strerror or error}", file=sys.stderr)
        return FAILED
    print(f"processes ended: {len(ended)}")
    return DONE


# --- clients ---------------------------------------------------------------------------------------


def _api(args: argparse.Namespace) -> Api:
    from supervisor.commands.api import connect

    return connect(args.url, args.config or CONFIG_FILES, args.ca_file)


def _status(args: argparse.Namespace) -> int:
    from supervisor.commands import client

    api = _api(args)
    return client.status(api, watch=args.watch, as_json=args.json)


def _order(args: argparse.Namespace) -> int:
    from supervisor.commands import client

    if (wrong := _no_order(args)) is not None:
        return wrong
    return client.order(_api(args), args.verb, args.streams, args.until, args.reason)


def _no_order(args: argparse.Namespace) -> int | None:
    from supervisor.model.until import parse_until

    try:
        if args.until is not None:
            parse_until(args.until)
    except ValueError as error:
        print(f"neverdark: --until: {error}", file=sys.stderr)
        return WRONG
    return None


def _maintenance(args: argparse.Namespace) -> int:
    from supervisor.commands import maintenance

    try:
        wanted = maintenance.asked(args)
    except ValueError as error:
        print(f"neverdark: {error}", file=sys.stderr)
        return WRONG
    return maintenance.carry_out(_api(args), wanted)


def _switch(args: argparse.Namespace) -> int:
    from supervisor.commands import client

    return client.switch(_api(args), args.stream, args.to, args.lasting, args.reason)


def _upgrade(args: argparse.Namespace) -> int:
    from supervisor.commands import upgrade
    from supervisor.config.file import load
    from supervisor.preflight.preflight import find_ffmpeg, preflight

    file = _config_file(args)
    loaded = load(file)
    preflight(loaded, find_ffmpeg(loaded, file), file)  # what this program does not take, must not end the other one
    return upgrade.upgrade(loaded.config.data_dir, _api(args))


def _reload(args: argparse.Namespace) -> int:
    from supervisor.commands import client

    return client.reload(_api(args), allow_removal=args.allow_removal)


def _incidents(args: argparse.Namespace) -> int:
    from datetime import datetime

    from supervisor.commands import client
    from supervisor.commands.moments import parse_since

    try:
        since = parse_since(args.since, datetime.now().astimezone())
    except ValueError as error:
        print(f"neverdark: --since: {error}", file=sys.stderr)
        return WRONG
    api = _api(args)
    return client.incidents(api, args.stream, since, form="json" if args.json else "csv" if args.csv else "text")


def _report(args: argparse.Namespace) -> int:
    from supervisor.commands import report

    try:
        month = report.parse_month(args.month, args.timezone)
    except ValueError as error:
        print(f"neverdark: {error}", file=sys.stderr)
        return WRONG
    return report.report(_api(args), month, args.html)


def _logs(args: argparse.Namespace) -> int:
    from supervisor.commands import client

    api = _api(args)
    return client.logs(api, args.stream, args.role, args.destination, lines=args.lines, follow=args.follow)


def _recordings(args: argparse.Namespace) -> int:
    from supervisor.commands.recordings import recordings

    return recordings(_api(args), args.stream, args.destination, limit=args.limit, as_json=args.json)


def _drill(args: argparse.Namespace) -> int:
    from supervisor.commands import drill
    from supervisor.model.drills import ALL, Drill

    api = _api(args)
    wanted = list(Drill) if args.name == ALL else [Drill(args.name)]
    return drill.drill(api, wanted, args.stream, args.destination, as_json=args.json)


def _alert(args: argparse.Namespace) -> int:
    from supervisor.commands import alert

    return alert.send_test(args.alertmanager, args.wait)


_COMMANDS = {
    "run": _run,
    "check": _check,
    "demo": _demo,
    "status": _status,
    "start": _order,
    "stop": _order,
    "restart": _order,
    "switch": _switch,
    "maintenance": _maintenance,
    "reload": _reload,
    "upgrade": _upgrade,
    "logs": _logs,
    "recordings": _recordings,
    "incidents": _incidents,
    "report": _report,
    "drill": _drill,
    "token": _token,
    "youtube": _youtube,
    "install-service": _install_service,
    "end-leftovers": _end_leftovers,
    "alert": _alert,
    "version": _version,
    "help": _help,
}
