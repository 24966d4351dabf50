"""The commands that talk to a running neverdark, through its HTTP API."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from supervisor.commands import incident_view, log_view, status_view
from supervisor.config.file import peek
from supervisor.config.problems import ConfigError, Problem, shown
from supervisor.model.quantities import Address, parse_address

_DONE, _FAILED, _OFF_AIR = 0, 1, 3
_TIMEOUT = 5.0
_RELOAD_TIMEOUT = 35.0  # the engine gives up a little earlier, and says so
_WATCH_SECONDS = 1.0
_FOLLOW_SECONDS = 0.5
_MOST_NAMES = 10
_PIPE_WIDTH = 1000


class ApiError(Exception):
    """A neverdark that cannot be reached, or that refused; the text is for the person at the terminal.

    `status` is the HTTP status, None without an answer; `body` the answer, if it was JSON.
    """

    def __init__(self, message: str, status: int | None = None, body: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class Api:
    """A running neverdark's API. Every method raises `ApiError`.

    `token` goes only with orders: reading needs none, and whoever answers at `url` need not be neverdark. `no_token`
    says why there is none, to whoever is told that one is needed.
    """

    def __init__(self, url: str, token: str | None, no_token: str = "") -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._no_token = no_token
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business between us and the loopback

    def get(self, path: str, **parameters: object) -> Any:
        """The JSON at `path`."""
        return self._call("GET", path, parameters)

    def post(self, path: str, *, timeout: float = _TIMEOUT, **parameters: object) -> Any:
        """Give an order."""
        return self._call("POST", path, parameters, timeout)

    def _call(self, method: str, path: str, parameters: dict[str, object], timeout: float = _TIMEOUT) -> Any:
        is_order = method == "POST"
        try:
            answer = self._session.request(
                method,
                self.url + path,
                params={name: str(value) for name, value in parameters.items() if value is not None},
                headers={"Authorization": f"Bearer {self._token}"} if is_order and self._token else {},
                timeout=timeout,
                allow_redirects=not is_order,  # a token is for the address that was meant
            )
            body = answer.json()
        except requests.ConnectionError:
            raise ApiError(f"no neverdark answers at {self.url}; is it running?") from None
        except requests.RequestException as error:
            raise ApiError(f"{self.url}: {type(error).__name__}") from None
        if not answer.ok or answer.is_redirect:
            detail = str(
                (body.get("detail") if isinstance(body, dict) else None) or f"{self.url} answers {answer.status_code}"
            )
            if answer.status_code == requests.codes.unauthorized and not self._token:
                detail += self._no_token
            raise ApiError(detail, answer.status_code, body)
        return body


def connect(url: str | None, config: Path | Sequence[Path]) -> Api:
    """The neverdark at `url`, else at NEVERDARK_URL, else where the configuration listens.

    The configuration is only peeked into: a client needs none of the secrets that `run` needs, and may be somebody who
    may not read it at all. Its token is for the address that it names itself; to any other one goes only
    NEVERDARK_API_TOKEN.
    """
    files = [config] if isinstance(config, Path) else config
    url = url or os.environ.get("NEVERDARK_URL")
    token = os.environ.get("NEVERDARK_API_TOKEN")
    try:
        own, having = _own_address(files)
    except ConfigError:
        if url is None:
            raise
        own, having = "", ()
    if token or (url or own).rstrip("/") != own:
        only = "; a configuration's token goes only to the address that it names: set NEVERDARK_API_TOKEN for another"
        return Api(url or own, token, only)
    token = next(filter(None, map(_token, having)), None)
    return Api(own, token, "; name the configuration that has it (-c), or set NEVERDARK_API_TOKEN")


def _own_address(files: Sequence[Path]) -> tuple[str, Sequence[Path]]:
    """Where a configuration listens, as a URL, and those of `files` that say so. Raises `ConfigError`."""
    named = ((file, found) for file in files if (found := peek(file, "listen")) is not None)
    file, listen = next(named, (None, "127.0.0.1:9833"))
    variable = os.environ.get("NEVERDARK_LISTEN")
    try:
        address = parse_address(variable or listen)
    except ValueError as error:
        where = "listen (from NEVERDARK_LISTEN)" if variable else "listen"
        problem = Problem(where, shown(("listen",), variable or listen), str(error))
        raise ConfigError(file or Path(), [problem]) from None
    host = "127.0.0.1" if address.host in {"0.0.0.0", "::"} else address.host  # noqa: S104 - compared with
    return f"http://{Address(host, address.port)}", [file] if file and not variable else files


def _token(file: Path) -> str | None:
    token, token_file = peek(file, "api_token"), peek(file, "api_token_file")
    if isinstance(token_file, str):
        try:
            return (file.absolute().parent / Path(token_file).expanduser()).read_text(encoding="utf-8-sig").strip()
        except (OSError, ValueError, RuntimeError):
            return None
    return str(token) if token is not None else None


# --- orders ----------------------------------------------------------------------------------------


def order(api: Api, verb: str, streams: Sequence[str]) -> int:
    """`start`, `stop` or `restart` streams; of a name that is none, nothing is done to the others either."""
    if len(streams) > 1 and (unknown := _unknown(api, streams)):
        return unknown
    ended = _DONE
    for stream in streams:
        try:
            api.post(f"/api/streams/{quote(stream, safe='')}/{verb}")
        except ApiError as error:
            ended = _fail_for(api, stream, error)
            continue
        print(f"{stream}: {verb} accepted")
    return ended


def _names(known: Sequence[str]) -> str:
    more = f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
    return (", ".join(known[:_MOST_NAMES]) or "none") + more


def _unknown(api: Api, streams: Sequence[str]) -> int:
    """Say which of these are no streams, and which ones are meant; 0 if all are."""
    try:
        known = [stream["stream"] for stream in api.get("/api/streams")["streams"]]
    except (ApiError, LookupError, TypeError):
        return _DONE  # said by whoever asks next
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
    named = stream is not None and error.status == requests.codes.not_found
    return (named and stream and _unknown(api, [stream])) or _fail(error)


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
    return _OFF_AIR if status_view.off_air(answer["streams"]) else _DONE


Streams = Sequence[dict[str, Any]]


def _nothing(streams: Streams) -> Iterable[Text]:
    del streams
    return ()


def open_incidents(api: Api) -> list[dict[str, Any]]:
    """The incidents that go on."""
    return list(api.get("/api/incidents", open="true", limit=1000)["incidents"])


def watch_status(
    api: Api, console: Console, *, below: Callable[[Streams], Iterable[Text]] = _nothing, until: float | None = None
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


_MOST_NAMES = 10


def width_of(console: Console) -> int | None:
    """The columns of a terminal; None for what has no width of its own."""
    return console.width if console.is_terminal else None


# --- incidents -------------------------------------------------------------------------------------


def incidents(api: Api, stream: str | None, since: float, *, as_json: bool) -> int:
    """Print what went wrong in the last `since` seconds, of one stream or of all."""
    path = f"/api/streams/{stream}/incidents" if stream else "/api/incidents"
    try:
        found = incident_view.recent(api.get(path)["incidents"], since, datetime.now(UTC))
    except ApiError as error:
        return _fail_for(api, stream, error)
    if as_json:
        print(json.dumps({"incidents": found}, indent=2, ensure_ascii=False))
    else:
        terminal().print(incident_view.report(found, since))
    return _DONE


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
        name, which = log_view.name_of(process), {key: process[key] for key in ("role", "destination")}
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
