"""Whether a new configuration ends so many streams that a file was more likely lost than meant. Pure."""

from __future__ import annotations

from collections.abc import Collection

from supervisor.config.shape import Config

_FEW = 3  # of so many streams, any may go, but not all
_MOST_NAMED = 10


def removal(wanted: Collection[str], config: Config) -> str | None:
    """What `config` would take off the air, in words, if that is too much of the streams `wanted` now.

    A configuration that says `streams: {}` means it, unless more of them should be in a directory: that may be one that
    is not mounted.
    """
    gone = [name for name in wanted if name not in config.streams or not config.streams[name].enabled]
    most = len(wanted) // 2 if len(wanted) > _FEW else len(wanted) - 1
    none_meant = not config.streams and config.include is None
    if not gone or none_meant or len(gone) <= most:
        return None
    more = len(gone) - _MOST_NAMED
    names = ", ".join(gone[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return (
        f"this would end {len(gone)} of the {len(wanted)} streams that are wanted now ({names}); "
        "if that is meant: neverdark reload --allow-removal"
    )
