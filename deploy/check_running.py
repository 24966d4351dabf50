"""Whether the neverdark beside this is of a revision, and the watchdog of each enabled destination has run.

deploy.sh hands this to the Python of the running container: check_running.py REVISION WAIT. With WAIT `yes`, watchdogs
have the time that they need to run once.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import sys
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

ANSWER_SECONDS = 60.0  # until it answers at all
SLACK_SECONDS = 30.0
_BUILD = re.compile(r'^livestream_build_info\{(?=[^}]*revision="([^"]*)")[^}]*\} 1', re.MULTILINE)
# It is right here: no proxy may come between, and whose certificate it shows does not matter.
_ANY = ssl.create_default_context()
_ANY.check_hostname, _ANY.verify_mode = False, ssl.CERT_NONE
_OPENER = build_opener(ProxyHandler({}), HTTPSHandler(context=_ANY))


def get(path: str) -> str:
    """What the running neverdark answers, with `tls` in its configuration or without. Raises OSError."""
    url = os.environ.get("NEVERDARK_URL", "http://127.0.0.1:9833")
    try:
        return _read(url + path)
    except HTTPError:
        raise
    except (OSError, http.client.HTTPException):
        return _read(url.replace("http://", "https://", 1) + path)


def _read(url: str) -> str:
    with _OPENER.open(url, timeout=5) as answer:
        return str(answer.read().decode())


def revision_of(metrics: str) -> str:
    """The revision that `metrics` tells."""
    found = _BUILD.search(metrics)
    return found[1] if found else "unknown"


def idle(watchdogs: dict[str, dict[str, Any]]) -> list[str]:
    """The watchdogs that have not run of late."""
    return sorted(name for name, watchdog in watchdogs.items() if not watchdog["running"])


def check(revision: str, *, wait: bool) -> str:
    """What is wrong; empty when nothing is."""
    began = time.monotonic()
    while True:
        try:
            running = revision_of(get("/metrics"))
            status = json.loads(get("/api/watchdog/status"))
        except (OSError, ValueError) as error:
            problem, allowed = f"neverdark does not answer: {error}", ANSWER_SECONDS
        else:
            if running != revision:
                return f"STALE: {running} runs, {revision} is checked out"
            watchdogs = status["watchdogs"]
            waiting = idle(watchdogs)
            if not waiting and len(watchdogs) == status["watchdog_count"]:
                print(f"revision {running} runs; {len(watchdogs)} watchdogs, all have run")
                return ""
            slowest = max((watchdog["check_interval"] for watchdog in watchdogs.values()), default=0)
            problem, allowed = f"watchdogs that do not run: {', '.join(waiting)}", 2 * slowest + SLACK_SECONDS
        if not wait or time.monotonic() - began > allowed:
            return problem
        time.sleep(1)


def main() -> int:
    """0: it runs as it should."""
    revision, wait = sys.argv[1:]
    problem = check(revision, wait=wait == "yes")
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
