"""What the command prints. The same seed gives the same text; what the real clock says stands on lines with `real`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from tests.simulation.expected import EXPECTED
from tests.simulation.judge import Outcome
from tests.simulation.scene import Failure
from tests.simulation.told import Verdicts

SEGMENT_MISSES, CAUSE_MISSES = 0.01, 0.05  # shares of the incidents that may be named otherwise
_MOST_MISSES, _MOST_FAILURES = 20, 5


def one(outcome: Outcome) -> Iterator[str]:
    """What came of one seed."""
    setup = outcome.setup
    yield (
        f"seed {setup.seed}: {outcome.virtual / 3600:.2f} virtual hours of {setup.streams} streams, "
        f"{outcome.verdicts.faults.total()} faults, {outcome.incidents} incidents, {outcome.recoveries} recoveries, "
        f"{outcome.facts} facts; history {outcome.digest}"
    )
    for number, failure in enumerate(outcome.failures[:_MOST_FAILURES]):
        yield from _failure(failure, outcome, facts=number == 0)
    if len(outcome.failures) > _MOST_FAILURES:
        yield f"and {len(outcome.failures) - _MOST_FAILURES} more"


def _failure(failure: Failure, outcome: Outcome, *, facts: bool) -> Iterator[str]:
    yield ""
    yield f"FAILED {failure.check}: {failure.text}"
    yield f"  seed {outcome.setup.seed}, virtual time {failure.at:.3f} s"
    if facts and failure.facts:
        yield "  the last facts before it:"
        yield from (f"    {fact}" for fact in failure.facts)
    yield f"  again: {outcome.setup.command}"


def wrong_names(outcomes: Sequence[Outcome]) -> list[str]:
    """Checks over all seeds that do not hold: too many incidents name another segment or cause."""
    every = together(outcomes)
    judged = every.judged.total()
    found = []
    for name, right, share in (
        ("right_segment", every.segment.total(), SEGMENT_MISSES),
        ("right_cause", every.cause.total(), CAUSE_MISSES),
    ):
        if judged - right > int(judged * share):
            found.append(f"FAILED {name}: {right} of {judged} incidents")
    return found


def together(outcomes: Iterable[Outcome]) -> Verdicts:
    """The verdicts of several seeds."""
    every = Verdicts()
    for outcome in outcomes:
        mine = outcome.verdicts
        for to, count in (
            (every.faults, mine.faults),
            (every.judged, mine.judged),
            (every.segment, mine.segment),
            (every.cause, mine.cause),
        ):
            to.update(count)
        every.misses += mine.misses
    return every


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Faults by kind, over all seeds."""
    every, back = together(outcomes), dict[str, list[float]]()
    for outcome in outcomes:
        for kind, seconds in outcome.back.items():
            back.setdefault(kind, []).extend(seconds)
    yield ""
    head = ("kind", "faults", "on air again", "median s", "max s", "segment right", "cause right")
    yield "  ".join(f"{title:>14}" if place else f"{title:<15}" for place, title in enumerate(head))
    for kind in [kind for kind in EXPECTED if every.faults[kind]]:
        yield _row(kind, every, back.get(kind, []), [kind])
    yield _row("all", every, [seconds for times in back.values() for seconds in times], list(every.faults))
    for outcome in outcomes:
        for miss in outcome.verdicts.misses[:_MOST_MISSES]:
            yield f"named otherwise, seed {outcome.setup.seed} at {miss.at:.1f}: {miss.text}"


def _row(title: str, every: Verdicts, back: list[float], kinds: list[str]) -> str:
    def of(counter: Counter[str]) -> int:
        return sum(counter[kind] for kind in kinds)

    judged = of(every.judged)
    cells = (
        str(of(every.faults)),
        str(len(back)),
        f"{median(back):.1f}" if back else "-",
        f"{max(back):.1f}" if back else "-",
        f"{of(every.segment)}/{judged}",
        f"{of(every.cause)}/{judged}",
    )
    return "  ".join((f"{title:<15}", *(f"{cell:>14}" for cell in cells)))
