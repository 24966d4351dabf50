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


@Example(stream="harbour-cam", accepted="stop", until="2026-03-01T21:00:00.000Z")
class Ordered(Shape):
    """The same of an order that holds `until` some time; null: until another order."""

    stream: str
    accepted: Literal["start", "stop", "restart"]
    until: AwareDatetime | None
