"""What switches between encoders have cost, over all streams. Pure; nothing in here ever falls."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from supervisor.judge.tally import no_samples, observe
from supervisor.model.events import SwitchMeasured
from supervisor.model.facts import Fact
from supervisor.model.fallback import Obstacle, ReplacementReason, SwitchWay
from supervisor.model.snapshot import SWITCH_BUCKETS, Histogram, SwitchCosts


class SwitchTally:
    """Hears facts."""

    def __init__(self) -> None:
        none = no_samples(SWITCH_BUCKETS)
        self._costs = SwitchCosts(
            dict.fromkeys(SwitchWay, none),
            dict.fromkeys(SwitchWay, none),
            dict.fromkeys(SwitchWay, 0),
            dict.fromkeys(product(ReplacementReason, SwitchWay), 0),
        )

    def __call__(self, fact: Fact) -> None:
        """Count it, if it is one; what is not known of it is left out."""
        what, costs = fact.what, self._costs
        if not isinstance(what, SwitchMeasured):
            return
        way = what.way
        costs = costs._replace(durations=_with(costs.durations, way, what.seconds))
        if what.missing is not None:
            costs = costs._replace(missing=_with(costs.missing, way, what.missing))
        if what.frames is not None:
            costs = costs._replace(frames_lost={**costs.frames_lost, way: costs.frames_lost[way] + what.frames})
        if what.replaces:
            pair = what.replaces, way
            costs = costs._replace(replacements={**costs.replacements, pair: costs.replacements[pair] + 1})
        self._costs = costs

    def shown(self, *, kernel: bool, alone: int) -> SwitchCosts:
        """All of it, and what stands in the way now: the `kernel`, and links that are their reader's `alone`."""
        return self._costs._replace(obstacles={Obstacle.KERNEL: int(kernel), Obstacle.READER_ALONE: alone})


def _with(known: Mapping[SwitchWay, Histogram], way: SwitchWay, seconds: float) -> Mapping[SwitchWay, Histogram]:
    return {**known, way: observe(known[way], SWITCH_BUCKETS, seconds)}
