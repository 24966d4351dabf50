"""Durations that more than one part goes by, in seconds: what counts as moving, and what counts as over. Pure."""

from __future__ import annotations

from typing import Final

# An advance is proof of life for this long.
ON_AIR_SECONDS: Final = 3.0
# Media that has advanced for so long is back for good: an incident closes, and "off air since" is cleared.
SUSTAINED_SECONDS: Final = 30.0
