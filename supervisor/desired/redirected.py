"""A configuration in which some destinations are sent to another address than it says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import SecretStr

from supervisor.config.fields import text
from supervisor.config.pushed import key_of, pushed_to
from supervisor.config.shape import Config


class Redirection(NamedTuple):
    """To `address`, with its own key, as long as its configured URL is this one."""

    configured: SecretStr
    address: str


def holds(config: Config, place: tuple[str, str], one: Redirection) -> bool:
    """Whether it is still meant for what is configured."""
    destination = pushed_to(config, place)
    return destination is not None and text(destination.url) == text(one.configured)


def redirected(config: Config, redirections: Mapping[tuple[str, str], Redirection]) -> Config:
    """The same configuration where there are none that hold."""
    streams = dict(config.streams)
    for place, one in redirections.items():
        if not holds(config, place, one):
            continue
        stream = streams[place[0]]
        there = stream.destinations[place[1]]
        elsewhere = {"url": SecretStr(one.address), "key": SecretStr(key_of(there)), "key_file": None}
        destinations = {**stream.destinations, place[1]: there.model_copy(update=elsewhere)}
        streams[place[0]] = stream.model_copy(update={"destinations": destinations})
    return config.model_copy(update={"streams": streams}) if redirections else config
