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
from rich.table import Table
from rich.text import Text

from supervisor.config_file import peek
from supervisor.config_problems import ConfigError, Problem, shown
from supervisor.quantities import Address, parse_address, show_duration

_DONE, _FAILED = 0, 1
_TIMEOUT = 5.0
_RELOAD_TIMEOUT = 35.0  # the engine gives up a little earlier, and says so
_WATCH_SECONDS = 1.0
_FOLLOW_SECONDS = 0.5
_MOST_NAMES = 10
_PIPE_WIDTH = 160
_STYLES = {
    "running": "green",
    "starting": "yellow",
    "stopping": "yellow",
    "backoff": "red",
    "cooldown": "red",
}


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
            ended = (error.status == requests.codes.not_found and _unknown(api, [stream])) or _fail(error)
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


# --- status ----------------------------------------------------------------------------------------


def status(api: Api, *, watch: bool, as_json: bool) -> int:
    """Print what is on air; exit code 1 when neverdark does not answer."""
    try:
        streams = api.get("/api/streams")["streams"]
    except ApiError as error:
        return _fail(error)
    console = terminal()
    if as_json:
        print(json.dumps({"streams": streams}, indent=2, ensure_ascii=False))
    elif watch:
        watch_status(api, console)
    else:
        console.print(table(streams))
    return _DONE


Streams = Sequence[dict[str, Any]]


def _nothing(streams: Streams) -> Iterable[Text]:
    del streams
    return ()


def watch_status(
    api: Api, console: Console, *, below: Callable[[Streams], Iterable[Text]] = _nothing, until: float | None = None
) -> None:
    """Draw the status anew every second, until interrupted or until the monotonic time `until`.

    `below` gives what stands under the table, from the streams in it.
    """
    with Live(console=console, auto_refresh=False) as live:
        while until is None or time.monotonic() < until:
            try:
                streams = api.get("/api/streams")["streams"]
                live.update(Group(table(streams), *below(streams)), refresh=True)
            except ApiError as error:
                live.update(Text(str(error), style="bold red"), refresh=True)
            time.sleep(_WATCH_SECONDS)


def terminal() -> Console:
    """Where tables go; a pipe has no width of its own, so it gets one that cuts nothing."""
    return Console() if sys.stdout.isatty() else Console(width=_PIPE_WIDTH)


def table(streams: Streams) -> Table:
    """A table with one line a process."""
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("stream", "", "process", "state", "pid", "up", "restarts", "speed", "uplink"):
        right = heading in {"pid", "up", "restarts", "speed"}
        grid.add_column(heading, justify="right" if right else "left", no_wrap=heading != "process")
    for stream in streams:
        for index, process in enumerate(stream["processes"]):
            first = index == 0
            grid.add_row(
                Text(stream["stream"], style="bold") if first else "",
                _on_air(stream) if first else "",
                " ".join(filter(None, (process["role"], process["destination"]))),
                Text(process["state"], style=_STYLES.get(process["state"], "dim")),
                str(process["pid"] or ""),
                _age(process["started"]) if process["pid"] else "",
                str(sum(process["restarts"].values())),
                _speed(process),
                _uplink(process),
            )
        if stream["reason"] and stream["wanted"]:
            grid.add_row("", "", Text(stream["reason"], style="red"))
        if stream.get("note"):
            grid.add_row("", "", Text(f"source: {stream['note']}", style="yellow"))
    return grid


def _on_air(stream: dict[str, Any]) -> Text:
    if not stream["wanted"]:
        return Text("stopped", style="dim")
    if not stream["on_air"]:
        return Text("OFF AIR", style="bold red")
    if not stream.get("verified", True):  # nothing tells whether media arrives
        return Text("runs, unverified", style="bold yellow")
    return Text("ON AIR", style="bold green")


def _age(moment: str | None) -> str:
    if moment is None:
        return ""
    return show_duration(max(0.0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()))


def _speed(process: dict[str, Any]) -> str:
    progress = process["progress"] or {}
    return f"{progress['speed']:.2f}x" if progress.get("speed") is not None else ""


def _uplink(process: dict[str, Any]) -> str:
    uplink = process.get("uplink")
    if not uplink:
        return ""
    if not uplink["connected"]:
        return "not connected"
    rtt = f", RTT {uplink['rtt_seconds'] * 1000:.1f} ms" if uplink["rtt_seconds"] is not None else ""
    return f"connection no. {uplink['connections']} for {_age(uplink['connected_since'])}{rtt}"


# --- logs ------------------------------------------------------------------------------------------


def logs(api: Api, stream: str, role: str | None, destination: str | None, *, lines: int, follow: bool) -> int:
    """Print the last lines that a process wrote, and with `follow` those that come."""
    path, after = f"/api/streams/{stream}/logs", None
    try:
        while True:
            answer = api.get(path, role=role, destination=destination, lines=lines, after=after)
            for line in answer["lines"]:
                print(line, flush=follow)
            after = answer["next"]
            if not follow:
                return _DONE
            time.sleep(_FOLLOW_SECONDS)
    except ApiError as error:
        return _fail(error)
