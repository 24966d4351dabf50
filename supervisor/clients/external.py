"""Tells neverdark that a program which runs its own FFmpeg has started, or ends as planned.

>>> client = NeverdarkClient("http://127.0.0.1:9900")                                          # doctest: +SKIP
>>> ffmpeg = subprocess.Popen(["ffmpeg", …, "-progress", "/run/show/progress.txt", url])       # doctest: +SKIP
>>> client.notify_stream_started("show", ffmpeg.pid, url, progress_file="/run/show/progress.txt")  # doctest: +SKIP
>>> client.notify_stream_stopped("show"); ffmpeg.terminate()                                   # doctest: +SKIP
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import requests

_TRIES: Final = 3
_PAUSE: Final = 0.2  # seconds between two
_STARTTIME: Final = 19  # of the fields of /proc/PID/stat that follow the name of the program


class NeverdarkError(Exception):
    """neverdark was not told, or did not take it. `status` is that of its answer; None: it did not answer."""

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


class NeverdarkClient:
    """One neverdark. A call takes `timeout` seconds at most, with all that it tries; it raises NeverdarkError."""

    def __init__(self, url: str, token: str | None = None, timeout: float = 5) -> None:
        """`url` is where its page is, such as http://127.0.0.1:9900; `token` needs the scope `control`."""
        if not url.startswith(("http://", "https://")):
            raise ValueError("url: expected one that begins with http:// or https://")
        if timeout <= 0:
            raise ValueError("timeout: expected seconds above 0")
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout = timeout

    def notify_stream_started(  # noqa: PLR0913 - what there is to tell, by name
        self,
        name: str,
        pid: int,
        destination_url: str,
        *,
        progress_file: str | None = None,
        progress_url: str | None = None,
        recovery_command: Sequence[str] | None = None,
        recovery_webhook: str | None = None,
        recovery_timeout: float | None = None,
        replace: bool = False,
    ) -> dict[str, Any]:
        """Process `pid` sends to `destination_url` from now on. Returns what neverdark knows of it."""
        recovery = {"command": recovery_command, "webhook": recovery_webhook, "timeout": recovery_timeout}
        body = {
            "pid": pid,
            "start_time": start_time(pid),
            "destination_url": destination_url,
            "progress_file": progress_file,
            "progress_url": progress_url,
            "recovery": _known(recovery) if recovery_command or recovery_webhook else None,
            "replace": replace,
        }
        return self._tell(name, "started", _known(body))

    def notify_stream_stopped(self, name: str) -> dict[str, Any]:
        """It ends as planned: to be told before it does. Returns what neverdark knows of it."""
        return self._tell(name, "stopped", None)

    def _tell(self, name: str, what: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        """In a thread of its own: looking up a name, or a server that lets its answer drip, knows no time limit."""
        until = time.monotonic() + self._timeout
        said: list[dict[str, Any] | NeverdarkError] = []

        def tell() -> None:
            try:
                said.append(self._again_and_again(name, what, body, until))
            except NeverdarkError as error:
                said.append(error)

        thread = threading.Thread(target=tell, name="neverdark client", daemon=True)
        thread.start()
        thread.join(self._timeout)
        if not said:
            raise NeverdarkError(f"neverdark does not answer at {self._url} within {self._timeout:g} s")
        if isinstance(said[0], NeverdarkError):
            raise said[0]
        return said[0]

    def _again_and_again(self, name: str, what: str, body: Mapping[str, Any] | None, until: float) -> dict[str, Any]:
        """While it does not answer, or cannot now: to be told the same twice does no harm."""
        for number in range(1, _TRIES + 1):
            try:
                return self._once(name, what, body, until)
            except NeverdarkError as error:
                final = error.status is not None and error.status < 500  # noqa: PLR2004 - its last word
                if final or number == _TRIES or until - time.monotonic() <= _PAUSE:
                    raise
                time.sleep(_PAUSE)
        raise AssertionError

    def _once(self, name: str, what: str, body: Mapping[str, Any] | None, until: float) -> dict[str, Any]:
        left = max(0.05, until - time.monotonic())
        address = f"{self._url}/api/external/{quote(name, safe='')}/{what}"
        try:
            answer = requests.post(address, json=body, headers=self._headers, timeout=left, allow_redirects=False)
        except requests.RequestException as error:
            # What requests says may hold the token, or the whole of what was sent.
            raise NeverdarkError(f"neverdark does not answer at {self._url}: {type(error).__name__}") from None
        known = _json(answer)
        if not answer.ok or answer.is_redirect:
            said = known.get("detail") if isinstance(known, dict) else None
            raise NeverdarkError(f"neverdark refuses: {said or f'status {answer.status_code}'}", answer.status_code)
        if not isinstance(known, dict):
            raise NeverdarkError(f"what answers at {self._url} is no neverdark", answer.status_code)
        return known


def start_time(pid: int) -> int | None:
    """When a process began, in clock ticks since the boot; None if it is gone, or this machine does not tell."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return int(line.rpartition(")")[2].split()[_STARTTIME])
    except (OSError, ValueError, IndexError):
        return None


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _known(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value is not None}
