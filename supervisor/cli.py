"""The command `neverdark`: each of its commands, and its exit code."""

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
    from supervisor.commands.api import Api
    from supervisor.composition import MakeFace
    from supervisor.config.file import Loaded
    from supervisor.machine.data_dir import DataDir

DONE, FAILED, WRONG = 0, 1, 2
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
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
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
    from supervisor.composition import LAST_WRITE_SECONDS, open_store, serve  # what is wrong was said before

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
    store = open_store(file, loaded, data_dir)
    writer = lines.configure()
    try:
        with asyncio.Runner(loop_factory=Loop) as runner:
            is_to_start_again = runner.run(
                serve(file, loaded, binary, data_dir, warnings, store, _face(loaded, data_dir))
            )
    except (OSError, TimeoutError, BadTls) as error:
        print(f"neverdark: {error}", file=sys.stderr)
        return FAILED
    finally:
        if lost := store.close(LAST_WRITE_SECONDS):
            print(f"neverdark: {lost} records of what happened last could not be written", file=sys.stderr)
        writer.close()
        data_dir.close()
    return _run_again() if is_to_start_again else DONE


def _face(loaded: Loaded, data_dir: DataDir) -> MakeFace:
    """The HTTP server of a configuration."""
    from exporter.certificate import Certificate
    from exporter.http import HttpServer
    from supervisor.config.tokens import FILE, TokenFile

    config, tls = loaded.config, loaded.config.tls
    return lambda control, room: HttpServer(
        control,
        config.listen,
        config.token,
        __version__,
        room,
        tokens=TokenFile(data_dir.held(FILE)),
        metrics_listen=config.metrics_listen,
        certificate=Certificate(tls.cert_file, tls.key_file) if tls else None,
    )


def _run_again() -> int:
    """The program as it is installed now takes the place of this one: pid, arguments and children stay."""
    flushed()
    try:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - what runs is ourselves
    except OSError as error:
        print(f"neverdark: cannot start again: {error}; its processes run on", file=sys.stderr)
        return FAILED


def _keep_descriptors_to_ourselves() -> None:
    """What our own parent left open (a lock, a make's pipe) is not for FFmpeg to hold on to."""
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if int(entry.name) > 2:  # noqa: PLR2004 - standard errors
                os.set_inheritable(int(entry.name), False)  # noqa: FBT003 - positional only


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
