"""What every answer looks like that is an error."""

from __future__ import annotations

from exporter.api.example import Example
from exporter.api.shape import Shape


@Example(detail="there is no such stream")
class Problem(Shape):
    """Any answer that is not 2xx (but for /healthz and /readyz)."""

    detail: str
