"""Kinds of values that more than one route takes."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BeforeValidator

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]", re.ASCII)


def _time(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise ValueError("expected a time with its zone, such as 2026-12-24T22:00:00Z")


# pydantic itself would also take a number, and guess whether that is in seconds or in milliseconds.
Time = Annotated[AwareDatetime, BeforeValidator(_time)]
