"""Commands that ask a real server."""

from __future__ import annotations

from tests.unit.exporter.conftest import serve

__all__ = ["serve"]
