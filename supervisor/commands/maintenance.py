"""`neverdark maintenance`: orders, lists and ends the times in which what fails wakes nobody."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from supervisor.commands.api import Api, ApiError
from supervisor.commands.client import streams_of
from supervisor.commands.stream_words import clock
from supervisor.model.quantities import parse_duration
from supervisor.model.selection import Selection
from supervisor.model.until import parse_moment

_DONE, _FAILED = 0, 1
Json = dict[str, Any]


class Asked(NamedTuple):
    """What is to be done; `body` is what is told to the API, `meant` are streams, or ids that stand like names."""

    what: Literal["list", "order", "end"]
    meant: tuple[Selection, ...] = ()
    body: Json | None = None
    as_json: bool = False


def asked(args: argparse.Namespace) -> Asked:
    """What the words of a command line ask for. Raises ValueError that says what was expected."""
    meant = tuple(args.streams)
    said = [args.lasting, args.until, args.begin, args.reason]
    if args.end:
        if any(word is not None for word in said) or bool(meant) == args.all:
            raise ValueError("--end: expected streams or ids, or --all, and nothing else")
        return Asked("end", meant, as_json=args.json)
    if not meant and not args.all:
        if any(word is not None for word in said):
            raise ValueError("expected the streams that are meant, or --all")
        return Asked("list", as_json=args.json)
    if meant and args.all:
        raise ValueError("expected streams or --all, not both")
    body = {
        "streams": "all" if args.all else None,
        "from": _moment("--from", args.begin),
        "until": _end(args),
        "reason": args.reason,
    }
    return Asked("order", meant, {name: word for name, word in body.items() if word is not None}, args.json)


def _end(args: argparse.Namespace) -> str:
    if (args.lasting is None) == (args.until is None):
        raise ValueError("expected one of --for and --until: how long, such as 1h, or until when, such as 22:00")
    if args.until is not None:
        return str(_moment("--until", args.until))
    try:
        return f"{parse_duration(args.lasting):g}s"
    except ValueError as error:
        raise ValueError(f"--for: {error}") from None


def _moment(option: str, text: str | None) -> str | None:
    try:
        if text is not None:
            parse_moment(text)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None
    return text


def carry_out(api: Api, wanted: Asked) -> int:
    """Do it, and print what came of it."""
    try:
        names = _names(api, wanted.meant)
        if isinstance(names, int):
            return names
        if wanted.what == "end":
            return _end_all(api, wanted, names)
        if wanted.what == "order":
            _print([api.post("/api/maintenance", body={"streams": names, **(wanted.body or {})})], wanted)
        else:
            _print(api.get("/api/maintenance")["maintenance"], wanted)
    except ApiError as error:
        print(f"neverdark: {error}", file=sys.stderr)
        return _FAILED
    return _DONE


def _names(api: Api, meant: Sequence[Selection]) -> list[str] | int:
    """Those of the streams that are meant, or the exit code if none fits. What are names already is not looked at."""
    if all(one.stream for one in meant):
        return [one.stream for one in meant if one.stream]
    return streams_of(api, meant)


def _end_all(api: Api, wanted: Asked, names: Sequence[str]) -> int:
    """End the windows of these ids, and those that are about nothing but these streams. Raises ApiError."""
    windows = [window for window in api.get("/api/maintenance")["maintenance"] if window["origin"] == "operator"]
    mine = [window for window in windows if _is_meant(window, names)]
    ended = [api.delete(f"/api/maintenance/{quote(window['id'], safe='')}") for window in mine]
    if ended:
        _print(ended, wanted, ended=True)
    named = {name for window in mine for name in [window["id"], *(window["streams"] or ())]}
    missing = [name for name in names if name not in named] if names else [] if mine else ["all streams"]
    for name in missing:
        wider = next((one for one in windows if one["streams"] is None or name in one["streams"]), None)
        more = f"; it is in {wider['id']}, which is about others, too: --end {wider['id']}" if wider else ""
        print(f"neverdark: nobody has ordered maintenance of {name} alone{more}", file=sys.stderr)
    return _FAILED if missing else _DONE


def _is_meant(window: Json, names: Sequence[str]) -> bool:
    if not names:
        return window["streams"] is None
    return window["id"] in names or (window["streams"] is not None and set(window["streams"]) <= set(names))


def _print(windows: list[Json], wanted: Asked, *, ended: bool = False) -> None:
    if wanted.as_json:
        print(json.dumps({"maintenance": windows}, indent=2, ensure_ascii=False))
        return
    now = datetime.now(UTC)
    for window in windows:
        whose = ", ".join(window["streams"]) if window["streams"] is not None else "all streams"
        begun = datetime.fromisoformat(window["since"]) <= now
        begin = "" if begun else f" from {clock(window['since'], now)}"
        when = " has ended" if ended else f"{begin} until {clock(window['until'], now)}"
        why = f": {window['reason']}" if window["reason"] else ""
        where = ", from the configuration" if window["origin"] == "file" else ""
        print(f"{window['id']}  {whose}{when}{where}{why}")
    if not windows:
        print("no maintenance, and none is planned")
