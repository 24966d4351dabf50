"""What may be said with an order: until when it holds, and why."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from exporter.api.example import Described, Example
from supervisor.model.quantities import parse_duration
from supervisor.model.until import LONGEST_REASON, Until, parse_moment, parse_until

_TEXT: Final = {"type": "string"}


def _until(value: Any) -> Until:
    return parse_until(value if isinstance(value, str) else "")


def _moment(value: Any) -> Until:
    return parse_moment(value if isinstance(value, str) else "")


def _duration(value: Any) -> float:
    return parse_duration(value if isinstance(value, str) else "")


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("expected one line of text")
    return value


End = Annotated[
    Until,
    BeforeValidator(_until),
    WithJsonSchema(_TEXT | {"examples": ["next", "forever", "22:00", "2026-12-24T22:00", "2h"]}),
]
Moment = Annotated[
    Until, BeforeValidator(_moment), WithJsonSchema(_TEXT | {"examples": ["22:00", "2026-12-24T22:00", "2h"]})
]
Reason = Annotated[str, StringConstraints(max_length=LONGEST_REASON), AfterValidator(_printable)]


AUTO: Final = "auto"
Source = Annotated[str, StringConstraints(pattern="^(primary|auto|fallback[1-9][0-9]?)$")]
Lasting = Annotated[
    float, BeforeValidator(_duration), WithJsonSchema(_TEXT | {"examples": ["30s", "10m"]}), Field(gt=0)
]


class OrderBody(Described):
    """A body with exactly these keys."""


@Example(until="2h", reason="new lens")
class StreamOrder(OrderBody):
    """How long an order holds, and why it was given.

    `until` is `next` (the next switch of the stream's schedule: so it is if nothing is said and there is one),
    `forever` (until another order), a time or a duration. A time without a zone is local: of the schedule, or else
    where neverdark runs.
    """

    until: End | None = None
    reason: Reason | None = None


@Example(to="fallback1", lasting="10m", reason="lens is cleaned")
class SwitchOrder(OrderBody):
    """Which source viewers are to see: `primary`, `fallback1`, …, or `auto` for the best one that works.

    `lasting` is for how long, then it is `auto` again; without it until another order, or a stop. It is remembered over
    a restart of neverdark; `reason` is shown with the stream.
    """

    to: Source
    lasting: Lasting | None = None
    reason: Reason | None = None
