"""The logins that a configuration asks for, of all platforms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from supervisor.config.shape import Config
from supervisor.platforms.interface import Platform
from supervisor.platforms.watch import LoginsOf


def logins_at_platforms(data_dir: Path, now: Callable[[], float], wall: Callable[[], float]) -> LoginsOf:
    """Makes them, and keeps those that stay the same; what talks to a platform is loaded when somebody uses it."""
    made: list[LoginsOf] = []

    def follow(configs: Iterable[Config]) -> Mapping[str, Platform]:
        known = tuple(configs)
        if not made:
            if not any(_is_used(config) for config in known):
                return {}
            from supervisor.platforms.youtube.made import Logins  # noqa: PLC0415 - most have no use for it

            made.append(Logins(data_dir, now, wall).follow)
        return made[0](known)

    return follow


def _is_used(config: Config) -> bool:
    return any(one.youtube for stream in config.streams.values() for one in stream.destinations.values())
