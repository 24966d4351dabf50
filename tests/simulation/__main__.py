"""`make simulate`: the whole supervisor in virtual time, over a simulated world, with faults from a seed."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections.abc import Iterator

from tests.simulation import mutants, report
from tests.simulation.history import ALL_SHAPES
from tests.simulation.judge import Outcome, Setup, simulate

_FAULTS_PER_STREAM_HOUR = 0.6
_COLLECT = (100_000, 50, 100)  # objects that come and go: to look at them as often as Python does takes 6 % of the time
_HASH_SEED = "PYTHONHASHSEED"


def main() -> int:
    """Returns the exit code: 1 when a check has found something, or has not found a mutant."""
    args = _parser().parse_args()
    gc.freeze()
    gc.set_threshold(*_COLLECT)
    if args.mutants:
        return mutants.main(args.only)
    began = time.monotonic()
    outcomes = list(_run(args))
    wrong = report.wrong_names(outcomes)
    print(*report.table(outcomes), *wrong, sep="\n")
    print(f"real {time.monotonic() - began:.1f} s")
    return int(bool(wrong) or any(outcome.failures for outcome in outcomes))


def _run(args: argparse.Namespace) -> Iterator[Outcome]:
    faults = args.faults
    if faults is None:
        faults = max(20, int(args.hours * args.streams * _FAULTS_PER_STREAM_HOUR))
    for seed in range(args.seed, args.seed + args.seeds):
        began = time.monotonic()
        outcome = simulate(Setup(seed, args.streams, args.hours, faults, args.shapes, args.until, args.youtube))
        print(*report.one(outcome), sep="\n")
        print(f"real {time.monotonic() - began:.1f} s for seed {seed}", flush=True)
        yield outcome
        if outcome.failures:
            return


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--hours", type=float, default=6.0, help="virtual hours (6)")
    parser.add_argument("--streams", type=int, default=10, help="streams (10)")
    parser.add_argument("--seed", type=int, default=1, help="the first history (1)")
    parser.add_argument("--seeds", type=int, default=3, help="how many histories, each with the next seed (3)")
    parser.add_argument("--faults", type=int, help="faults in a history (0.6 for each hour of a stream); 0: none")
    parser.add_argument("--until", type=float, help="end there, in virtual seconds; the history stays the same")
    parser.add_argument("--shapes", type=_shapes, default="", help=f"only these: {', '.join(sorted(_NAMES))}")
    parser.add_argument("--youtube", action="store_true", help="some streams are there, as where a shape is about it")
    parser.add_argument("--mutants", action="store_true", help="break the product on purpose, and see that it is found")
    parser.add_argument("--only", default="", help="with --mutants: only those whose name has this in it")
    return parser


_NAMES = {shape.__name__ for shape in ALL_SHAPES}


def _shapes(text: str) -> str:
    if unknown := set(text.split(",")) - _NAMES - {""}:
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: expected {', '.join(sorted(_NAMES))}")
    return text


def _with_fixed_hashes() -> None:
    """Sets of words have the same order in each run: that is settled when Python starts."""
    if os.environ.get(_HASH_SEED) != "0":
        os.execve(  # noqa: S606 - it is this very program
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            {**os.environ, _HASH_SEED: "0"},
        )


if __name__ == "__main__":
    _with_fixed_hashes()
    sys.exit(main())
