"""What can be typed, and what is said of what cannot. Loads nothing that takes time: `run` listens to signals first."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from supervisor import __version__
from supervisor.model.drills import ALL, WHAT_IS_DONE, Drill
from supervisor.model.selection import Selection, parse_selection

Do = Callable[[argparse.Namespace], int]

CONFIG_FILES = (Path("neverdark.yml"), Path("/etc/neverdark/neverdark.yml"))
UNITS = Path("/etc/systemd/system")
DEFAULT_ALERTMANAGER = "http://127.0.0.1:9093"
_MOST_SEGMENTS = 5000
_LOOKED_FOR = "./neverdark.yml, else /etc/neverdark/neverdark.yml"
_ENDS = """\
ends with: 0 done · 1 failed, or no neverdark answers · 2 wrong usage or configuration
environment: NEVERDARK_URL, a running neverdark; NEVERDARK_API_TOKEN, its token, for orders"""


# What argparse says of a word that it does not know.
_CHOICE = re.compile(r"invalid choice: '([^']{0,80})'")
_OPTION = re.compile(r"unrecognized arguments: (-[\w-]{0,80})")
_WHICH = "a name, group=NAME, or LABEL=VALUE (label=LABEL:VALUE says the same); with a comma between them both must fit"
_RECORDINGS = "what was recorded, how much of it there is, and what is missing"
_MAINTENANCE = "times in which what fails is recorded and wakes nobody; without more, those that there are"


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


def _add_service_commands(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    service = add("install-service", "write the systemd unit for this program and this configuration")
    service.add_argument("--user", default="neverdark", help="whom it runs as (default: neverdark)")
    service.add_argument(
        "--credential",
        action="append",
        default=[],
        metavar="NAME:FILE",
        help="a key that only root may read; key_file: ${CREDENTIALS_DIRECTORY}/NAME; may be given several times",
    )
    service.add_argument("--directory", type=Path, default=UNITS, help=f"where to (default: {UNITS})")
    service.add_argument("--print", action="store_true", dest="show", help="only show it")
    service.add_argument("--force", action="store_true", help="also in the place of one that somebody has changed")
    leftovers = add("end-leftovers", "end what a neverdark that is gone has left running")
    leftovers.add_argument(
        "--after-service-stop",
        action="store_true",
        help="as ExecStopPost= of a unit: only if systemd had to kill neverdark at a stop",
    )


def _add_token_actions(token: argparse.ArgumentParser, local: Callable[..., argparse.ArgumentParser]) -> None:
    actions = token.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return local(actions.add_parser(name, help=text, description=text))

    create = add("create", "make a token and print it, once: it is kept nowhere")
    create.add_argument("name", metavar="NAME", help="whose it is: a-z, 0-9, _ and -")
    create.add_argument(
        "--scope",
        required=True,
        choices=("read", "control", "alerts"),
        help="read: no orders; control: reading and orders; alerts: only to hand in Alertmanager's messages",
    )
    create.add_argument("-q", "--quiet", action="store_true", help="print the token and nothing else, also on stderr")
    add("list", "whose tokens there are").add_argument("--json", action="store_true", help="for programs")
    add("revoke", "end a token, also for a neverdark that runs").add_argument("name", metavar="NAME")


def _add_youtube_actions(
    youtube: argparse.ArgumentParser,
    local: Callable[..., argparse.ArgumentParser],
    client: Callable[..., argparse.ArgumentParser],
) -> None:
    actions = youtube.add_subparsers(dest="action", metavar="ACTION", required=True)
    plan = "what a running neverdark sees there, and would do next; nothing is done"
    sub = client(actions.add_parser("plan", help=plan, description=plan))
    sub.add_argument("--stream", metavar="STREAM", help="of one stream (default: all)")
    for name, text in (
        ("streams", "the streams of the channel with their ids, and which destination has the key of which"),
        ("login", "let neverdark manage the live broadcasts of a channel; shows a code to type in on any device"),
        ("logout", "end that, also at Google"),
        ("status", "how the logins are; exit code 1 if one of them cannot be used"),
    ):
        sub = local(actions.add_parser(name, help=text, description=text))
        sub.add_argument(
            "--account",
            default=None if name == "status" else "main",
            metavar="NAME",
            help=f"one of youtube.accounts (default: {'all' if name == 'status' else 'main'})",
        )
        if name == "login":
            sub.add_argument(
                "--loopback", action="store_true", help="by a browser on this machine, for a client of type Desktop"
            )


def _add_words_of_an_alert(alert: argparse.ArgumentParser) -> None:
    alert.add_argument("action", choices=("test",), metavar="test")
    alert.add_argument(
        "--alertmanager", metavar="URL", help=f"default: NEVERDARK_ALERTMANAGER, else {DEFAULT_ALERTMANAGER}"
    )
    alert.add_argument("--wait", type=float, default=15.0, metavar="SECONDS", help="for it to be sent (default: 15)")


def _selection(word: str) -> Selection:
    try:
        return parse_selection(word)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{word!r}: {error}") from None


def _count(word: str) -> int:
    if not word.isascii() or not word.isdecimal() or not 1 <= int(word) <= _MOST_SEGMENTS:
        raise argparse.ArgumentTypeError(f"{word!r}: expected a number from 1 to {_MOST_SEGMENTS}")
    return int(word)


def _add_orders(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    for verb, text in (
        ("start", "start streams"),
        ("stop", "stop streams in order; they stay stopped until they are started, or their schedule switches next"),
        ("restart", "replace the processes of streams"),
    ):
        sub = add(verb, text)
        sub.add_argument("streams", nargs="+", metavar="STREAM", type=_selection, help=_WHICH)
        _add_words_of_an_order(sub)
        sub.set_defaults(verb=verb)


def _add_words_of_an_order(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--until",
        metavar="TIME",
        help="how long this holds: 22:00, 2h, forever (until another order), or next: until the stream's schedule "
        "switches next (default: next if it has a schedule, else forever)",
    )
    sub.add_argument("--reason", metavar="TEXT", help="why; it is shown with the stream")


def _add_words_of_maintenance(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("streams", nargs="*", metavar="STREAM", type=_selection, help=_WHICH)
    sub.add_argument("--all", action="store_true", help="all streams")
    sub.add_argument("--for", dest="lasting", metavar="DURATION", help="how long, such as 1h")
    sub.add_argument("--until", metavar="TIME", help="or until when, such as 22:00 or 2026-12-24T22:00")
    sub.add_argument("--from", dest="begin", metavar="TIME", help="since when (default: now)")
    sub.add_argument("--reason", metavar="TEXT", help="why; it is shown with the streams")
    sub.add_argument("--end", action="store_true", help="end it now: that of these streams, or of this id")
    sub.add_argument("--json", action="store_true", help="for programs")


def _add_words_of_incidents(incidents: argparse.ArgumentParser) -> None:
    incidents.add_argument("stream", nargs="?", help="only this stream's (default: all)")
    incidents.add_argument(
        "--since",
        default="24h",
        metavar="TIME",
        help="how far back, such as 90m or 7d, or today, yesterday, 2026-12-24, 2026-12-24T18:00 (default: 24h)",
    )
    form = incidents.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--csv", action="store_true", help="for a spreadsheet")


def _add_words_of_logs(logs: argparse.ArgumentParser) -> None:
    logs.add_argument("stream")
    logs.add_argument("--role", choices=("encoder", "pusher", "command"), help="only these (default: all)")
    logs.add_argument("--destination", help="only the pusher of this destination")
    logs.add_argument("-n", "--lines", type=int, default=200, help="how many of the last lines of each (default: 200)")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as they come")


def _add_words_of_recordings(recordings: argparse.ArgumentParser) -> None:
    recordings.add_argument("stream", nargs="?", help="only this stream's (default: all)")
    recordings.add_argument("--destination", help="only what this destination has recorded")
    recordings.add_argument("-n", "--limit", type=_count, help="how many of the newest segments of each (default: 20)")
    recordings.add_argument("--json", action="store_true", help="for programs")


def _add_words_of_a_report(report: argparse.ArgumentParser) -> None:
    report.add_argument("--month", metavar="YYYY-MM", help="such as 2026-10 (default: this month, so far)")
    report.add_argument("--html", type=Path, metavar="FILE", help="write a page to print into FILE, instead of text")
    report.add_argument("--timezone", metavar="ZONE", help="whose midnights, such as Europe/Berlin (default: local)")


def _add_words_of_a_switch(switch: argparse.ArgumentParser) -> None:
    switch.add_argument("stream")
    switch.add_argument(
        "--to", required=True, metavar="SOURCE", help="primary (or 0), fallback1 (or 1), …; auto: the best that works"
    )
    switch.add_argument("--for", dest="lasting", metavar="DURATION", help="such as 10m (default: until another order)")
    switch.add_argument("--reason", metavar="TEXT", help="why; it is shown with the stream")


def build_parser(commands: Mapping[str, Do]) -> argparse.ArgumentParser:
    """The parser; `args.do` is the one of `commands` that was typed."""
    parser = _Parser(
        prog="neverdark",
        description="Keeps 24/7 live streams on air, and proves it.",
        epilog=_ENDS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-V", "--version", action="version", version=f"neverdark {__version__}")
    choices = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = choices.add_parser(
            name, help=text, description=text, epilog=_ENDS, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        sub.set_defaults(do=commands[name])
        return sub

    def local(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
        sub.add_argument("-c", "--config", type=Path, metavar="FILE", help=f"configuration (default: {_LOOKED_FOR})")
        return sub

    def client(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
        sub.add_argument("--url", help="a running neverdark (default: NEVERDARK_URL, else the configuration's listen)")
        sub.add_argument("--ca-file", type=Path, metavar="FILE", help="whom to trust (default: NEVERDARK_CA_FILE)")
        return local(sub)

    local(add("run", "keep the streams of a configuration on air, in the foreground"))
    check = local(add("check", "check a configuration and this machine, and name every mistake"))
    check.add_argument("--strict", action="store_true", help="end with 2 if there are warnings")
    demo = add("demo", "a test card on air to an ingest of its own, to be broken at will")
    demo.add_argument("--seconds", type=float, help="end by itself after this time")
    status = client(add("status", "what is on air; exit code 0: every wanted stream, 3: not all, 1: no answer"))
    status.add_argument("-w", "--watch", action="store_true", help="keep looking")
    status.add_argument("--json", action="store_true", help="for programs")
    _add_orders(lambda name, text: client(add(name, text)))
    _add_words_of_a_switch(client(add("switch", "which source the viewers of a stream see, if it has a fallback")))
    _add_words_of_maintenance(client(add("maintenance", _MAINTENANCE)))
    reload = client(add("reload", "read the configuration again, and say what changed or why it is rejected"))
    reload.add_argument(
        "--allow-removal", action="store_true", help="also if it would end most of the streams that are wanted now"
    )
    client(add("upgrade", "start the running neverdark anew from the installed program; its streams go on meanwhile"))
    _add_words_of_logs(client(add("logs", "what a stream's processes wrote, in the order of time")))
    incidents = client(add("incidents", "what went wrong of late, and for how long it was dark"))
    _add_words_of_incidents(incidents)
    _add_words_of_recordings(client(add("recordings", _RECORDINGS)))
    _add_words_of_a_report(client(add("report", "a month: how much each stream was on air, against its objective")))
    drill = client(add("drill", "break something on purpose, and see whether it recovers in time"))
    drill.add_argument(
        "name",
        choices=(*map(str, Drill), ALL),
        metavar="DRILL",
        help="; ".join(f"{name}: {what}" for name, what in WHAT_IS_DONE.items()),
    )
    drill.add_argument("--stream", required=True)
    drill.add_argument("--destination", help="whose pusher or uplink (default: the first required one)")
    drill.add_argument("--json", action="store_true", help="for programs")
    _add_token_actions(add("token", "tokens of the API: who may read, and who may give orders"), local)
    _add_youtube_actions(add("youtube", "YouTube: the login, and what neverdark would do there"), local, client)
    _add_service_commands(lambda name, text: local(add(name, text)))
    _add_words_of_an_alert(
        add("alert", "whether alerts reach you: test sends a marked message to every receiver that is on")
    )
    add("version", "which neverdark this is")
    help_ = add("help", "what neverdark or one of its commands does")
    help_.add_argument("command", nargs="?", choices=sorted(choices.choices), metavar="COMMAND")
    help_.set_defaults(parser=parser, commands=choices.choices)
    return parser
