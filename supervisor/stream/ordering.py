"""One order to several streams."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from supervisor.desired.catalogue import Catalogue
from supervisor.model.selection import Selection
from supervisor.model.snapshot import Refused, StreamAnswer, Wanted


async def order_all(
    catalogue: Catalogue, meant: Sequence[Selection], order: Callable[[str], Wanted | None]
) -> tuple[StreamAnswer, ...]:
    """Order it of each stream that fits one of those meant, in their own order, one after the other.

    `order` gives it to one; see `Engine.request`. If a stream is named that there is not, nothing is done, and only
    those are answered.
    """
    named = dict.fromkeys(one.stream for one in meant if one.stream is not None)
    if unknown := [name for name in named if name not in catalogue]:
        return tuple(map(StreamAnswer, unknown))
    rest = [one for one in meant if one.stream is None]
    answers = []
    for name in [name for name in catalogue if name in named or _fits(catalogue, name, rest)]:
        try:
            wanted = order(name)
            answers.append(StreamAnswer(name, wanted, None if wanted else "it has gone meanwhile"))
        except Refused as error:
            answers.append(StreamAnswer(name, refused=str(error)))
        await asyncio.sleep(0)  # a thousand spawns must not keep the first exit waiting
    return tuple(answers)


def _fits(catalogue: Catalogue, name: str, meant: Sequence[Selection]) -> bool:
    spec = catalogue[name].spec
    return any(one.fits(name, spec.group, dict(spec.labels)) for one in meant)
