"""The answers to orders, and to the question what a token may do."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from exporter.api.example import Example
from exporter.api.shape import Shape
from supervisor.config.tokens import Scope


@Example(name="anna", scope="control")
class TokenIsRight(Shape):
    """The answer to a token that is right, and to any while none is needed.

    `name` is whose it is: `operator` for the configuration's own, `local` while none is needed.
    """

    token: Literal["right"]
    name: str
    scope: Scope


@Example(stream="harbour-cam", accepted="drill")
class Accepted(Shape):
    """The order has been handed over; what becomes of it shows in the stream's state."""

    stream: str
    accepted: Literal["drill"]


@Example(stream="harbour-cam", accepted="switch", source="fallback1")
class Switched(Shape):
    """The order has been handed over: viewers are to see this source. null: the best one."""

    stream: str
    accepted: Literal["switch"]
    source: str | None


@Example(stream="harbour-cam", accepted="stop", until="2026-03-01T21:00:00.000Z")
class Ordered(Shape):
    """The same of an order that holds `until` some time; null: until another order."""

    stream: str
    accepted: Literal["start", "stop", "restart"]
    until: AwareDatetime | None


@Example(stream="harbour-cam", status=202, until="2026-03-01T21:00:00.000Z")
class StreamOrdered(Shape):
    """What came of it for one stream: `status` is 202 if the order was taken, 409 with a `detail` if not.

    It holds `until` some time; null: until another order.
    """

    stream: str
    status: Literal[202, 409]
    detail: str | None
    until: AwareDatetime | None


@Example(action="stop", accepted=1)
class OrderedAll(Shape):
    """What came of an order to several streams; `accepted` is how many of them have it."""

    action: Literal["start", "stop", "restart"]
    accepted: int
    streams: list[StreamOrdered]
