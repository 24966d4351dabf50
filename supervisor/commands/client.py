"""The commands that talk to a running neverdark, through its HTTP API."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Literal
from urllib.parse import quote

import requests
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from supervisor.commands import incident_view, log_view, status_view
from supervisor.commands.api import Api, ApiError
from supervisor.commands.stream_words import clock, off_air
from supervisor.model.fallback import source_name
from supervisor.model.selection import Selection
from supervisor.model.thresholds import ORDERS_SECONDS, RELOAD_SECONDS

_DONE, _FAILED, _WRONG, _OFF_AIR = 0, 1, 2, 3
_RELOAD_TIMEOUT = RELOAD_SECONDS + 5.0  # the engine gives up a little earlier, and says so
_ORDERS_TIMEOUT = ORDERS_SECONDS + 5.0
_WATCH_SECONDS = 1.0
_FOLLOW_SECONDS = 0.5
_MOST_NAMES = 10
_PIPE_WIDTH = 1000


# --- orders ----------------------------------------------------------------------------------------


def order(api: Api, verb: str, meant: Sequence[Selection], until: str | None = None, reason: str | None = None) -> int:
    """`start`, `stop` or `restart` streams; of a name that is none, nothing is done to the others either."""
    words = _said(until=until, reason=reason)
    try:
        if len(meant) == 1 and (stream := meant[0].stream):
            try:
                one = api.post(f"/api/streams/{quote(stream, safe='')}/{verb}", body=words)
                answers = [{**one, "stream": stream}]
            except ApiError as error:
                return _fail_for(api, stream, error)
        else:
            found = streams_of(api, meant)
            if isinstance(found, int):
                return found
            body = {"action": verb, "streams": found, **words}
            answers = api.post("/api/orders", timeout=_ORDERS_TIMEOUT, body=body)["streams"]
    except ApiError as error:
        return _fail(error)
    for answer in answers:
        _print_answer(verb, answer)
    return _FAILED if any(answer.get("detail") for answer in answers) else _DONE


def switch(api: Api, stream: str, to: str, lasting: str | None = None, reason: str | None = None) -> int:
    """Show another source of a stream; `to` may be its number."""
    source = source_name(int(to)) if to.isdecimal() and to.isascii() else to
    try:
        answer = api.post(
            f"/api/streams/{quote(stream, safe='')}/switch", body=_said(to=source, lasting=lasting, reason=reason)
        )
    except ApiError as error:
        return _fail_for(api, stream, error)
    shown = answer["source"] or "the best source that works"
    print(f"{stream}: viewers are to see {shown}{f' for {lasting}' if lasting else ''}")
    return _DONE


def _print_answer(verb: str, answer: dict[str, Any]) -> None:
    """What came of an order for one stream."""
    if detail := answer.get("detail"):
        print(f"neverdark: {answer['stream']}: {verb} refused: {detail}", file=sys.stderr)
        return
    holds = f", until {clock(answer['until'], datetime.now(UTC))}" if answer.get("until") else ""
    print(f"{answer['stream']}: {verb} accepted{holds}")


def streams_of(api: Api, meant: Sequence[Selection]) -> list[str] | int:
    """The names of the streams that are meant, or the exit code where one is unknown or nothing fits: that is said.

    Raises ApiError.
    """
    known = api.get("/api/streams")["streams"]
    names = [stream["stream"] for stream in known]
    if unknown := _unknown(names, [one.stream for one in meant if one.stream]):
        return unknown
    found = dict[str, None]()
    for one in meant:
        fitting = [
            stream["stream"]
            for stream in known
            if one.fits(stream["stream"], stream.get("group"), stream.get("labels", {}))
        ]
        if not fitting:
            print(f"neverdark: no stream fits {one}", file=sys.stderr)
            return _WRONG
        found |= dict.fromkeys(fitting)
    return list(found)


def _said(**words: object) -> dict[str, Any]:
    """The words of a body that were said."""
    return {name: word for name, word in words.items() if word is not None}


def _names(known: Sequence[str]) -> str:
    more = f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
    return (", ".join(known[:_MOST_NAMES]) or "none") + more


def _unknown(known: Sequence[str], streams: Sequence[str]) -> int:
    """Say which of these are no streams, and which ones are meant; 0 if all are."""
    ended = _DONE
    for stream in streams:
        if stream not in known:
            meant = get_close_matches(stream, known, n=3)
            more = f"did you mean {' or '.join(meant)}?" if meant else f"there are {_names(known)}"
            ended = _fail(ApiError(f"there is no such stream: {stream}; {more}"))
    return ended


def reload(api: Api, *, allow_removal: bool) -> int:
    """Have the configuration read again, and print what changed or why it was rejected."""
    try:
        outcome = api.post("/api/config/reload", timeout=_RELOAD_TIMEOUT, allow_removal=str(allow_removal).lower())
    except ApiError as error:
        _fail(error)
        for problem in error.body.get("problems", ()) if isinstance(error.body, dict) else ():
            print(problem, file=sys.stderr)
        return _FAILED
    for warning in outcome["warnings"]:
        print(f"warning: {warning}", file=sys.stderr)
    touched = {what: names for what, names in outcome["changes"].items() if names}
    anew = touched.pop("need_restart", [])
    said = "; ".join(f"{what} {', '.join(names)}" for what, names in touched.items()) or "no stream changed"
    print(f"configuration reloaded: {said}")
    if anew:
        print(f"takes effect only when neverdark is started anew: {', '.join(anew)}")
    return _DONE


def _fail(error: ApiError) -> int:
    print(f"neverdark: {error}", file=sys.stderr)
    return _FAILED


def _fail_for(api: Api, stream: str | None, error: ApiError) -> int:
    """Say what went wrong; where there is no such stream, which one is meant."""
    if stream is not None and error.status == requests.codes.not_found:
        with suppress(ApiError, LookupError, TypeError):
            known = [stream["stream"] for stream in api.get("/api/streams")["streams"]]
            return _unknown(known, [stream]) or _fail(error)
    return _fail(error)


# --- status ----------------------------------------------------------------------------------------


def status(api: Api, *, watch: bool, as_json: bool) -> int:
    """Print what is on air; exit code 1 when neverdark does not answer, 3 when a wanted stream is off air.

    With `as_json` 0, whatever is off air: a program reads it.
    """
    try:
        answer = api.get("/api/streams")
        incidents = [] if as_json else open_incidents(api)
    except ApiError as error:
        return _fail(error)
    console = terminal()
    if as_json:
        shown = {"streams": answer["streams"], "configuration": answer.get("configuration")}
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return _DONE
    if watch:
        watch_status(api, console)
        return _DONE
    console.print(status_view.report(answer, incidents, width_of(console)))
    return _OFF_AIR if off_air(answer["streams"]) else _DONE


ShownStreams = Sequence[dict[str, Any]]


def _nothing(streams: ShownStreams) -> Iterable[Text]:
    del streams
    return ()


def open_incidents(api: Api) -> list[dict[str, Any]]:
    """The incidents that go on."""
    return list(api.get("/api/incidents", open="true", limit=1000)["incidents"])


def watch_status(
    api: Api,
    console: Console,
    *,
    below: Callable[[ShownStreams], Iterable[Text]] = _nothing,
    until: float | None = None,
) -> None:
    """Draw the status anew every second, until interrupted or until the monotonic time `until`.

    `below` gives what stands under the table, from the streams in it.
    """
    with Live(console=console, auto_refresh=False) as live:
        while until is None or time.monotonic() < until:
            try:
                answer = api.get("/api/streams")
                shown = status_view.report(answer, open_incidents(api), width_of(console))
                live.update(Group(shown, *below(answer["streams"])), refresh=True)
            except ApiError as error:
                live.update(Text(str(error), style="bold red"), refresh=True)
            time.sleep(_WATCH_SECONDS)


def terminal() -> Console:
    """Where tables go; a pipe has no width of its own, so it gets one that cuts nothing."""
    return Console() if sys.stdout.isatty() else Console(width=_PIPE_WIDTH)


def width_of(console: Console) -> int | None:
    """The columns of a terminal; None for what has no width of its own."""
    return console.width if console.is_terminal else None


# --- incidents -------------------------------------------------------------------------------------


def incidents(api: Api, stream: str | None, since: datetime, *, form: Literal["text", "json", "csv"]) -> int:
    """Print what went wrong since then, of one stream or of all."""
    try:
        found, complete = past(api, stream, since)
        on_air = None if form == "csv" else _availability(api, stream, since)
        if stream and not found:
            api.get(f"/api/streams/{stream}")  # there may be no such stream
    except ApiError as error:
        return _fail_for(api, stream, error)
    match form:
        case "json":
            print(json.dumps({"incidents": found, "availability": on_air}, indent=2, ensure_ascii=False))
        case "csv":
            print(incident_view.as_csv(found), end="")
        case "text":
            terminal().print(incident_view.report(found, since, on_air))
    if not complete:
        print("neverdark: the database is out of reach: more may have happened", file=sys.stderr)
    return _DONE


def _availability(api: Api, stream: str | None, since: datetime) -> dict[str, Any] | None:
    """How long each stream was on air; None of an older neverdark, which does not know."""
    try:
        known: dict[str, Any] = api.get("/api/availability", since=since.isoformat(), stream=stream)
    except ApiError as error:
        if error.status != requests.codes.not_found:
            raise
        return None
    return known


def past(
    api: Api, stream: str | None, since: datetime, until: datetime | None = None
) -> tuple[list[dict[str, Any]], bool]:
    """All pages of what is remembered, and whether that is all there is."""
    found: list[dict[str, Any]] = []
    complete, after = True, None
    while True:
        asked = {"since": since.isoformat(), "until": until and until.isoformat()}
        page = api.get("/api/incidents", **asked, stream=stream, after=after)
        found += page["incidents"]
        complete = complete and page.get("complete", True)
        after = page.get("next")
        if after is None:
            return found, complete


# --- logs ------------------------------------------------------------------------------------------


def logs(api: Api, stream: str, role: str | None, destination: str | None, *, lines: int, follow: bool) -> int:
    """Print the last lines of each process that is meant, in the order of their time, and with `follow` what comes."""
    try:
        every = api.get(f"/api/streams/{stream}")["processes"]
        processes = log_view.chosen(every, role, destination)
        if not processes:
            print(f"neverdark: {_no_such_process(every, stream)}", file=sys.stderr)
            return _FAILED
        after: dict[str, str] = {}
        _print_logs(_pages(api, stream, processes, lines, after), processes)
        for process in processes:
            if note := log_view.note_on(process, has_log=log_view.name_of(process) in after):
                print(f"neverdark: {note}", file=sys.stderr)
        while follow:
            time.sleep(_FOLLOW_SECONDS)
            _print_logs(_pages(api, stream, processes, lines, after), processes)
    except ApiError as error:
        return _fail_for(api, stream, error)
    return _DONE


def _pages(
    api: Api, stream: str, processes: Sequence[log_view.Json], lines: int, after: dict[str, str]
) -> dict[str, list[str]]:
    """New lines of each process; `after` keeps how far each has been read, and has no entry where there is no log."""
    pages = {}
    for process in processes:
        name, which = log_view.name_of(process), {key: process.get(key) for key in ("role", "destination", "name")}
        try:
            answer = api.get(f"/api/streams/{stream}/logs", **which, lines=lines, after=after.get(name))
        except ApiError as error:
            if error.status != requests.codes.not_found:
                raise
            continue  # it has none yet
        after[name], pages[name] = answer["next"], answer["lines"]
    return pages


def _print_logs(pages: dict[str, list[str]], processes: Sequence[log_view.Json]) -> None:
    alone = len(processes) == 1
    width = max(len(log_view.name_of(process)) for process in processes)
    for line in next(iter(pages.values()), []) if alone else log_view.in_time(pages, width):
        print(line)
    sys.stdout.flush()


def _no_such_process(processes: Sequence[log_view.Json], stream: str) -> str:
    return f"{stream} has no such process; it has: {', '.join(map(log_view.name_of, processes))}"
