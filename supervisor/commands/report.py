"""`neverdark report`: a month of a running neverdark, as text or as a page to print."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import requests

from supervisor.commands import month as months
from supervisor.commands.api import Api, ApiError
from supervisor.commands.client import past, terminal
from supervisor.commands.month import Month, Report, make_report
from supervisor.commands.month_page import page_of
from supervisor.commands.month_view import text_of

_DONE, _FAILED = 0, 1


def parse_month(text: str | None, zone: str | None) -> Month:
    """See `month.parse_month`."""
    return months.parse_month(text, zone, datetime.now(UTC))


def report(api: Api, month: Month, page: Path | None) -> int:
    """Print it, or write the page."""
    try:
        made = _ask(api, month)
    except ApiError as error:
        if error.status == requests.codes.not_found:
            error = ApiError(f"the neverdark at {api.url} is older than this command: it keeps no time on air")
        print(f"neverdark: {error}", file=sys.stderr)
        return _FAILED
    if page is None:
        terminal().print(text_of(made))
        return _DONE
    try:
        page.write_text(page_of(made), encoding="utf-8")
    except OSError as error:
        print(f"neverdark: {page}: {error.strerror}", file=sys.stderr)
        return _FAILED
    return _DONE


def _ask(api: Api, month: Month) -> Report:
    asked = {"since": month.since.isoformat(), "until": month.until.isoformat()}
    availability = api.get("/api/availability", **asked)
    incidents, complete = past(api, None, month.since, month.until)
    told = api.get("/api/alerts", **asked)
    return make_report(month, availability, incidents, told, made=datetime.now(UTC), complete=complete)
