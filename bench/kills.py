"""Kills neverdark at random moments, with two real streams on air: `python -m bench.kills --kills 20 --seed 7`.

Half of the kills come within milliseconds of an encoder's, in the middle of its replacement; some come while the one
before is still starting. Nothing but what was killed may be replaced, and each key must keep its one publisher.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.supervised import Neverdark, carriers
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually

_STREAMS = ("one", "two")
_QUICK = {"initial_delay": 0, "attempts": 1000}


def main() -> int:
    """Returns 0 when every publisher is the one that it was, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 16))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ingest = Ingest(Path(folder) / "ingest")
        ingest.start()
        try:
            return _run(Path(folder), ingest, args.kills, args.seed)
        finally:
            ingest.close()


def _run(folder: Path, ingest: Ingest, kills: int, seed: int) -> int:
    chance = random.Random(seed)  # noqa: S311 - no secret
    streams = {name: cam(ingest.url, secret(name), restart=_QUICK) for name in _STREAMS}
    replaced, adopted, away = 0, 0, []
    with Neverdark(folder / "neverdark", streams) as running:
        running.wait_on_air(seconds=2 * ON_AIR)
        eventually(lambda: len(ingest.publishers()) == len(_STREAMS), SLACK, "published")
        clients = {key: one.client for key, one in ingest.publishers().items()}
        for number in range(kills):
            before = set(carriers(running.data_dir))
            if chance.random() < 0.5:
                os.kill(running.pid(chance.choice(_STREAMS), "encoder"), signal.SIGKILL)
                time.sleep(chance.random() * 0.01)
            running.crash()
            began = time.monotonic()
            while chance.random() < 0.3:
                running.launch()
                time.sleep(chance.random())
                running.crash()
            running.start().wait_on_air(seconds=2 * ON_AIR)
            away.append(time.monotonic() - began)
            after = set(carriers(running.data_dir))
            adopted += len(before & after)
            replaced += len(after - before)
            now = {key: one.client for key, one in ingest.publishers().items()}
            if now != clients or len(after) != 2 * len(_STREAMS) or ingest.refused():
                print(f"kill {number + 1} of seed {seed}: {len(after)} processes, publishers {clients} are {now}")
                return 1
    print(
        f"{kills} kills (seed {seed}): {adopted} processes taken over, {replaced} replaced, the same publishers;"
        f" from the kill to on air {sorted(away)[len(away) // 2]:.1f} s (median), {max(away):.1f} s at most"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
