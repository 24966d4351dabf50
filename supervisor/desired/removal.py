"""Whether a new configuration ends so many streams that a file was more likely lost than meant. Pure."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence

from supervisor.config.shape import Config

_FEW = 3  # of so many streams, any may go, but not all
_MOST_NAMED = 10


def removal(
    wanted: Collection[str], config: Config, included: Container[str] = (), off: Collection[str] = ()
) -> str | None:
    """What `config` would take off the air, in words, if that is too much of the streams `wanted` now.

    Of those that stood in the included directory until now (`included`), and of the others, not all may go, if they
    are several: a directory may not be mounted, a file may be cut. `off` are those that it switches off by other hours
    on air. A configuration that says `streams: {}` means it, unless it includes a directory.
    """
    if not config.streams and config.include is None:
        return None
    gone = [name for name in wanted if name not in config.streams or not config.streams[name].enabled or name in off]
    most = len(wanted) // 2 if len(wanted) > _FEW else len(wanted) - 1
    if gone and len(gone) > most:
        return _told(gone, f"{len(gone)} of the {len(wanted)} streams that are wanted now")
    for where, inside in (("the included directory", True), ("the main file", False)):
        together = [name for name in wanted if (name in included) is inside]
        if len(together) > 1 and set(together) <= set(gone):
            return _told(together, f"all {len(together)} streams of {where} that are wanted now")
    return None


def _told(gone: Sequence[str], what: str) -> str:
    more = len(gone) - _MOST_NAMED
    names = ", ".join(gone[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"this would end {what} ({names}); if that is meant: neverdark reload --allow-removal"
