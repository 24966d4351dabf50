"""Fallbacks: which streams of a world have some, and what each rung reads."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from random import Random
from typing import Any, NamedTuple

from tests.simulation.settings import Settings

SLATE = "slate"
PRIMARY = "primary"
_SHARE = 0.7  # of the streams that can have a fallback
_SHAPES = (
    ("camera",),
    (SLATE,),
    ("camera", SLATE),
    ("camera", SLATE),
    ("camera", "camera"),
    ("camera", "camera", SLATE),
)
_PROTOCOLS = ("rtsp", "rtmp", "http")
_AFTER = ("0s", "0s", "2s", "8s")
_RETURN_AFTER = ("5s", "20s", "30s", "60s")
_CONTENT = {"black": {"after": "5s"}, "frozen": {"after": "10s"}}


class Plan(NamedTuple):
    """What is configured: `shape` names each rung, camera or slate."""

    shape: tuple[str, ...]
    after: str = "0s"
    return_after: str = "30s"
    warm: bool = False
    content: bool = False


class Ladder(NamedTuple):
    """The fallbacks of one stream: for each rung its source, by its name in the world; and what it goes by, seconds."""

    sources: tuple[str, ...]  # the stream's own first
    slates: frozenset[int]
    after: float
    return_after: float
    warm: bool
    content: bool

    @property
    def rungs(self) -> range:
        """The numbers of all of them."""
        return range(len(self.sources))

    @property
    def cameras(self) -> list[str]:
        """The names of the fallbacks that are no slates."""
        return [f"fallback{rung}" for rung in self.rungs if rung and rung not in self.slates]

    @property
    def longest_wait(self) -> float:
        """Seconds for which a source that flaps has to be good at the most."""
        return max(self.return_after, min(16 * self.return_after, 600.0))


def rung_of(name: str) -> int:
    """The number of a rung, by the name that metrics and orders have for it."""
    return 0 if name in {"", PRIMARY} else int(name.removeprefix("fallback"))


def draw(seed: int, settings: Settings) -> tuple[Settings, dict[str, Ladder]]:
    """Give some streams fallbacks, one of them for certain; by a chance of its own: all else stays."""
    chance, tree, sources = Random(f"ladders {seed}"), copy.deepcopy(settings.tree), dict(settings.sources)
    able = [name for name, keys in tree["streams"].items() if "command" not in keys]
    chosen = [name for name in able if chance.random() < _SHARE] or able[:1]
    ladders = {}
    for name in chosen:
        plan = Plan(
            chance.choice(_SHAPES),
            chance.choice(_AFTER),
            chance.choice(_RETURN_AFTER),
            warm=chance.random() < 0.4,
            content=chance.random() < 0.4,
        )
        ladders[name] = _ladder(chance, name, tree["streams"][name], sources, plan)
    return settings._replace(tree=tree, sources=sources), ladders


def build(plan: Plan, settings: Settings) -> tuple[Settings, dict[str, Ladder]]:
    """Give the first stream that can have some these fallbacks."""
    tree, sources = copy.deepcopy(settings.tree), dict(settings.sources)
    name = next(name for name, keys in tree["streams"].items() if "command" not in keys)
    ladder = _ladder(Random(0), name, tree["streams"][name], sources, plan)
    return settings._replace(tree=tree, sources=sources), {name: ladder}


def _ladder(chance: Random, name: str, keys: dict[str, Any], sources: dict[str, str], plan: Plan) -> Ladder:
    rungs, named = list[Mapping[str, Any]](), [name]
    for number, what in enumerate(plan.shape, 1):
        source = f"{name}.f{number}"
        named.append(source)
        sources[source] = SLATE if what == SLATE else chance.choice(_PROTOCOLS)
        url = f"{sources[source]}://camera.{source}.example/{name}"
        rungs.append({"slate": True} if what == SLATE else {"source": {"url": url}})
    keys["fallback"] = rungs
    keys["fallback_policy"] = {"after": plan.after, "return_after": plan.return_after, "warm": plan.warm}
    if plan.content:
        keys["content"] = copy.deepcopy(_CONTENT)
    slates = frozenset(number for number, what in enumerate(plan.shape, 1) if what == SLATE)
    return Ladder(tuple(named), slates, _seconds(plan.after), _seconds(plan.return_after), plan.warm, plan.content)


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))
