"""The command `neverdark`, and the one place where everything is put together."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import errno
import io
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from supervisor import __version__
from supervisor.machine.standard_streams import flushed, open_closed_ones

if TYPE_CHECKING:  # `run` listens to signals before it loads anything that takes time
    from supervisor.config.file import Loaded
    from supervisor.config.problems import ConfigWarning
    from supervisor.machine.data_dir import DataDir

DONE, FAILED, WRONG = 0, 1, 2
_CANNOT_BE_WRITTEN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EPIPE})
_CONFIG_FILES = (Path("neverdark.yml"), Path("/etc/neverdark/neverdark.yml"))
_LOOKED_FOR = "./neverdark.yml, else /etc/neverdark/neverdark.yml"


_ENDS = """\
ends with: 0 done · 1 failed, or no neverdark answers · 2 wrong usage or configuration
environment: NEVERDARK_URL, a running neverdark; NEVERDARK_API_TOKEN, its token, for orders"""


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
    args = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = args.do
    if command is _run:
        # Until the loop listens to signals nothing runs: ending is all there is to do. An exception could get lost.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(DONE))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
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


# What argparse says of a word that it does not know.
_CHOICE = re.compile(r"invalid choice: '([^']{0,80})'")
_OPTION = re.compile(r"unrecognized arguments: (-[\w-]{0,80})")


class _Parser(argparse.ArgumentParser):
    """Says of a word that it does not know which one was meant."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """A misspelt option before the command would be told as a command that is missing."""
        words = sys.argv[1:] if args is None else list(args)
        if words and words[0].startswith("-") and not self._is_option(words[0]):
            self.error(f"unrecognized arguments: {words[0]}")
        return super().parse_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Print the usage and `message`, and end with 2."""
        from difflib import get_close_matches

        known: list[str] = []
        if found := _CHOICE.search(message):
            known = [str(word) for action in self._actions for word in action.choices or ()]
        elif found := _OPTION.search(message):
            known = [word for parser in self._all() for word in parser._option_string_actions]  # noqa: SLF001 - no public way
        if found and found[1] in known:
            message += "; it stands behind the command"
        elif found and (meant := get_close_matches(found[1], known, n=1)):
            message += f"; did you mean {meant[0]}?"
        super().error(message)

    def _all(self) -> Iterator[argparse.ArgumentParser]:
        """This one and those of all commands."""
        yield self
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - no public way
                yield from action.choices.values()

    def _is_option(self, word: str) -> bool:
        return any(
            known == word or (word.startswith("--") and known.startswith(word)) for known in self._option_string_actions
        )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="neverdark",
        description="Keeps 24/7 live streams on air, and proves it.",
        epilog=_ENDS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-V", "--version", action="version", version=f"neverdark {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, do: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = commands.add_parser(
            name, help=text, description=text, epilog=_ENDS, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        sub.set_defaults(do=do)
        return sub

    def local(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
        sub.add_argument("-c", "--config", type=Path, metavar="FILE", help=f"configuration (default: {_LOOKED_FOR})")
        return sub

    def client(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
        sub.add_argument("--url", help="a running neverdark (default: NEVERDARK_URL, else the configuration's listen)")
        return local(sub)

    local(add("run", _run, "keep the streams of a configuration on air, in the foreground"))
    check = local(add("check", _check, "check a configuration and this machine, and name every mistake"))
    check.add_argument("--strict", action="store_true", help="end with 2 if there are warnings")
    demo = add("demo", _demo, "a test card on air to an ingest of its own, to be broken at will")
    demo.add_argument("--seconds", type=float, help="end by itself after this time")
    status = client(
        add("status", _status, "what is on air; exit code 0: every wanted stream, 3: not all, 1: no answer")
    )
    status.add_argument("-w", "--watch", action="store_true", help="keep looking")
    status.add_argument("--json", action="store_true", help="for programs")
    for verb, text in (
        ("start", "start a stream"),
        ("stop", "stop a stream in order; it stays stopped until it is started"),
        ("restart", "replace the processes of a stream"),
    ):
        sub = client(add(verb, _order, text))
        sub.add_argument("streams", nargs="+", metavar="STREAM")
        sub.set_defaults(verb=verb)
    reload = client(add("reload", _reload, "read the configuration again, and say what changed or why it is rejected"))
    reload.add_argument(
        "--allow-removal", action="store_true", help="also if it would end most of the streams that are wanted now"
    )
    logs = client(add("logs", _logs, "what a stream's processes wrote, in the order of time"))
    logs.add_argument("stream")
    logs.add_argument("--role", choices=("encoder", "pusher", "command"), help="only these (default: all)")
    logs.add_argument("--destination", help="only the pusher of this destination")
    logs.add_argument("-n", "--lines", type=int, default=200, help="how many of the last lines of each (default: 200)")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as they come")
    incidents = client(add("incidents", _incidents, "what went wrong of late, and for how long it was dark"))
    incidents.add_argument("stream", nargs="?", help="only this stream's (default: all)")
    incidents.add_argument(
        "--since", default="24h", metavar="TIME", help="how far back, such as 90m or 7d (default: 24h)"
    )
    incidents.add_argument("--json", action="store_true", help="for programs")
    drill = client(add("drill", _drill, "break something on purpose, and see whether it recovers in time"))
    drill.add_argument(
        "name",
        choices=("quick", "freeze", "pusher", "uplink", "source", "full", "all"),
        metavar="DRILL",
        help="quick: kill the encoder (or command); freeze: stop it; pusher: kill a pusher; uplink: nothing is "
        "acknowledged any more; source: it is gone; full: kill the encoder until the second layer takes over; "
        "all: one after the other",
    )
    drill.add_argument("--stream", required=True)
    drill.add_argument("--destination", help="whose pusher or uplink (default: the first required one)")
    drill.add_argument("--json", action="store_true", help="for programs")
    alert = add("alert", _alert, "whether alerts reach you: test sends a marked message to every receiver that is on")
    alert.add_argument("action", choices=("test",), metavar="test")
    alert.add_argument(
        "--alertmanager", metavar="URL", help="default: NEVERDARK_ALERTMANAGER, else http://127.0.0.1:9093"
    )
    alert.add_argument("--wait", type=float, default=15.0, metavar="SECONDS", help="for it to be sent (default: 15)")
    add("version", _version, "which neverdark this is")
    help_ = add("help", _help, "what neverdark or one of its commands does")
    help_.add_argument("command", nargs="?", choices=sorted(commands.choices), metavar="COMMAND")
    help_.set_defaults(parser=parser, commands=commands.choices)
    return parser


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
    found = next((file for file in _CONFIG_FILES if _may_be_there(file)), None)
    if found is None:
        from supervisor.config.problems import ConfigError, Problem

        names = " and ".join(map(str, _CONFIG_FILES))
        raise ConfigError(_CONFIG_FILES[0], [Problem("", None, f"not found (looked for {names}; -c names another)")])
    return found


# --- the engine ------------------------------------------------------------------------------------


def _check(args: argparse.Namespace) -> int:
    from supervisor.config.file import load
    from supervisor.config.problems import ConfigError
    from supervisor.preflight.checkup import checkup
    from supervisor.preflight.preflight import doubts, find_ffmpeg, lacking, unusable

    file = _config_file(args)
    loaded = load(file)
    binary = find_ffmpeg(loaded, file)
    found = checkup(loaded.config, binary)
    warnings = [*doubts(loaded, file), *found.warnings]
    for warning in warnings:
        print(f"{file}: warning: {warning}", file=sys.stderr)
    if problems := [*lacking(loaded.config, binary), *unusable(loaded.config, binary), *found.problems]:
        raise ConfigError(file, problems)
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
    from supervisor.journal import journal
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
    writer = journal.configure()
    try:
        return asyncio.run(_serve(file, loaded, binary, data_dir, warnings))
    except (OSError, TimeoutError) as error:
        print(f"neverdark: {error}", file=sys.stderr)
        return FAILED
    finally:
        writer.close()
        data_dir.close()


def _keep_descriptors_to_ourselves() -> None:
    """What our own parent left open (a lock, a make's pipe) is not for FFmpeg to hold on to."""
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if int(entry.name) > 2:  # noqa: PLR2004 - standard errors
                os.set_inheritable(int(entry.name), False)  # noqa: FBT003 - positional only


async def _serve(
    file: Path, loaded: Loaded, binary: object, data_dir: DataDir, warnings: tuple[ConfigWarning, ...]
) -> int:
    """The composition: engine, journal, HTTP server, signals."""
    import asyncio

    from exporter.http import HttpServer
    from supervisor.config.file import load
    from supervisor.control import EngineControl
    from supervisor.engine import Engine, Home, Read
    from supervisor.journal.journal import Journal
    from supervisor.machine.ffmpeg_binary import Binary
    from supervisor.machine.machine import Machine
    from supervisor.preflight.preflight import ca_bundle, preflight, room_for_connections
    from supervisor.probes.probes import Probes

    assert isinstance(binary, Binary)
    # The loop must get the interpreter back quickly while a scrape is rendered in its thread.
    sys.setswitchinterval(0.001)
    loop = asyncio.get_running_loop()
    ca_file = ca_bundle()

    def read() -> Read:
        again = load(file)
        return again, preflight(again, binary, file)

    home = Home(file, binary, data_dir, ca_file)
    engine = Engine(home, loaded, Machine(), Probes(data_dir.path, ca_file), read, len(warnings))
    journal = Journal()
    engine.listeners.append(journal)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, engine.stop)
    loop.add_signal_handler(signal.SIGHUP, engine.reload)
    control = EngineControl(engine, loop, data_dir)
    http = HttpServer(
        control,
        loaded.config.listen,
        loaded.config.token,
        __version__,
        lambda: room_for_connections(engine.loaded.config),
    )

    def ready() -> None:
        http.start()
        journal.ready(__version__, file, str(loaded.config.listen), binary.path, len(engine.streams))
        journal.warn(file, warnings)

    try:
        http.bind()  # before anything is touched: if the port is taken, another neverdark may be at work
        await engine.run(ready)
    finally:
        await loop.run_in_executor(None, http.stop)
    journal.over()
    return DONE


def _demo(args: argparse.Namespace) -> int:
    from supervisor.commands.demo import run_demo

    return run_demo(args.seconds)


# --- clients ---------------------------------------------------------------------------------------


def _status(args: argparse.Namespace) -> int:
    from supervisor.commands import client

    api = client.connect(args.url, args.config or _CONFIG_FILES)
    return client.status(api, watch=args.watch, as_json=args.json)


def _order(args: argparse.Namespace) -> int:
    from supervisor.commands import client

    return client.order(client.connect(args.url, args.config or _CONFIG_FILES), args.verb, args.streams)


def _reload(args: argparse.Namespace) -> int:
    from supervisor.commands import client

    return client.reload(client.connect(args.url, args.config or _CONFIG_FILES), allow_removal=args.allow_removal)


def _incidents(args: argparse.Namespace) -> int:
    from supervisor.commands import client
    from supervisor.model.quantities import parse_duration

    try:
        since = parse_duration(args.since)
    except ValueError as error:
        print(f"neverdark: --since: {error}", file=sys.stderr)
        return WRONG
    api = client.connect(args.url, args.config or _CONFIG_FILES)
    return client.incidents(api, args.stream, since, as_json=args.json)


def _logs(args: argparse.Namespace) -> int:
    from supervisor.commands import client

    api = client.connect(args.url, args.config or _CONFIG_FILES)
    return client.logs(api, args.stream, args.role, args.destination, lines=args.lines, follow=args.follow)


def _drill(args: argparse.Namespace) -> int:
    from supervisor.commands import client, drill

    api = client.connect(args.url, args.config or _CONFIG_FILES)
    return drill.drill(api, args.name, args.stream, args.destination, as_json=args.json)


def _alert(args: argparse.Namespace) -> int:
    from supervisor.commands import alert

    return alert.send_test(args.alertmanager, args.wait)
