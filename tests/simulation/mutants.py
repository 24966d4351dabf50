"""Proof that the simulation has teeth: small mistakes in the product, each found by a check that is named here.

A mutant is one place in one file, written anew. If the old text is not there exactly once, that is an error: whoever
changes that place says here what the same mistake looks like now.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FOUND = re.compile(r"^FAILED (\w+): (.*)$", re.MULTILINE)
_MOST_SECONDS = 200.0  # of real time, for one seed: a mutant may hang
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` in `file` becomes `new`; one of `checks` finds it within `seeds` histories of these `shapes`."""

    name: str
    file: str
    old: str
    new: str
    checks: tuple[str, ...]
    shapes: str = ""
    hours: float = 0.6
    streams: int = 3
    faults: int = 25
    seeds: int = 4


class Moved(Exception):  # noqa: N818 - it names the state
    """The place that a mutant changes is not there any more."""


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "a budget that never refills",
        "lifecycle/table.py",
        "status, notices = status._replace(spent=0, proven=0), (Refilled(),)",
        "notices = (Refilled(),)",
        ("gauges_true",),
        shapes="single,burst",
    ),
    Mutant(
        "pauses without a longest one",
        "lifecycle/pauses.py",
        "delay = min(cap, first * factor ** min(spent, _MAX_EXPONENT))",
        "delay = first * factor ** min(spent, _MAX_EXPONENT)",
        ("pauses_are_capped",),
        shapes="flapping,long_outage,single",
    ),
    Mutant(
        "a source that refuses is asked again at once",
        "lifecycle/pauses.py",
        "    if refused in _REFUSED_MAX_DELAY:\n        first,",
        "    if refused is None and refused in _REFUSED_MAX_DELAY:\n        first,",
        ("pauses_are_capped",),
        shapes="flapping,long_outage,single",
    ),
    Mutant(
        "attempts are spent while our own line is down",
        "lifecycle/failing.py",
        "    if view.line_down:\n        return wait_for_line(idle, event, view)",
        "    if view.line_down and view.now < 0:\n        return wait_for_line(idle, event, view)",
        ("line_spares_attempts",),
        shapes="one_line,long_outage",
    ),
    Mutant(
        "a line that is down is not noticed",
        "watchdog/reach_watch.py",
        "        down = self._is_down()\n",
        "        down = False\n",
        ("line_spares_attempts",),
        shapes="one_line,long_outage",
    ),
    Mutant(
        "what is back is not noticed",
        "lifecycle/table.py",
        "    RetryNow: retry,\n",
        "    RetryNow: lambda status, event, view: Step(status),\n",
        ("back_in_time", "gauges_true", "line_spares_attempts"),
        shapes="one_line,long_outage",
    ),
    Mutant(
        "two publish on one key",
        "lifecycle/stopping.py",
        "    return _begin_stopping(fresh, view, force=event.force)",
        "    if view.fed is not None:  # a pusher\n"
        "        return spawn(fresh, view, event.reason)\n"
        "    return _begin_stopping(fresh, view, force=event.force)",
        ("one_publisher",),
        shapes="planned,hand",
    ),
    Mutant(
        "a stop that ends at the second polite signal, or never",
        "lifecycle/stopping.py",
        "        return Step(status._replace(deadline=None), (Kill(),))\n    return Step(status._replace(signals=2",
        "        return Step(status._replace(deadline=None))\n    return Step(status._replace(signals=2",
        ("back_in_time", "gauges_true", "nothing_left"),
        shapes="hand",
    ),
    Mutant(
        "a stall that the arrival of a report resets",
        "judge/progress_meter.py",
        "        if advanced:\n            self._at_advance",
        "        if advanced := advanced or self.last_advance is not None:\n            self._at_advance",
        ("back_in_time", "gauges_true"),
        shapes="single",
    ),
    Mutant(
        "a count that begins anew with each run",
        "judge/progress_meter.py",
        "        self._run_media = 0.0\n        self._at_advance = 0.0",
        "        self._frames, self._run_media = 0, 0.0\n        self._at_advance = 0.0",
        ("counters_never_fall",),
        shapes="single,burst",
    ),
    Mutant(
        "the second layer acts beside the first",
        "judge/ladder.py",
        "    if situation.first_layer_at_work:",
        "    if situation.first_layer_at_work and now < 0:",
        ("one_layer",),
        shapes="long_outage,single",
    ),
    Mutant(
        "unknown is taken for unhealthy",
        "judge/ladder.py",
        "    if verdict is Verdict.UNKNOWN:\n        return Decision(record, verdict)",
        "    if verdict is Verdict.UNKNOWN:\n        verdict = Verdict.UNHEALTHY",
        ("no_action_on_unknown", "quiet"),
        shapes="single,planned",
    ),
    Mutant(
        "a planned stop counts as a failure",
        "watchdog/keeper.py",
        "case events.ProcessExited() if not what.planned:",
        "case events.ProcessExited():",
        ("planned_is_none",),
        shapes="planned",
    ),
    Mutant(
        "a drill counts as an incident",
        "watchdog/keeper.py",
        "failed = Failed(key, cause, segment, silent, layer, self._drilling(key.stream), feeds, said, covered)",
        "failed = Failed(key, cause, segment, silent, layer, False, feeds, said, covered)",
        ("planned_is_none",),
        shapes="drill",
    ),
    Mutant(
        "a closed incident is kept for ever",
        "judge/past.py",
        "self.closed: deque[Incident] = deque(maxlen=REMEMBERED)",
        "self.closed: deque[Incident] = deque()",
        ("bounded",),
        shapes="single,burst",
        hours=5.0,
        streams=2,
        faults=50,
    ),
    Mutant(
        "an incident that is never closed",
        "judge/incidents.py",
        "if incident.since is not None and now - incident.since >= closes_after(incident.named_after.cause):",
        "if incident.since is not None and now - incident.since >= 1e9:",
        ("gauges_true",),
        shapes="single",
    ),
    Mutant(
        "an incident that is told at each finding",
        "judge/incidents.py",
        "Turn.FOUND if incident.told else Turn.OPENED",
        "Turn.OPENED",
        ("told_once",),
    ),
    Mutant(
        "what a look finds does not reach the incident",
        "judge/incidents.py",
        "        if incident := self.open.of(key):\n            correct(",
        "        if said is not None and (incident := self.open.of(key)):\n            correct(",
        ("right_segment", "told_once"),
        shapes="one_line,long_outage,resolver",
    ),
    Mutant(
        "who is stopped by a signal is taken for one that waits",
        "judge/attribution.py",
        "    if evidence.stopped:\n        return Segment.ENCODER",
        "    if evidence.stopped and not evidence.live:\n        return Segment.ENCODER",
        ("right_segment",),
        shapes="silence",
        seeds=2,
    ),
    Mutant(
        "time that nobody wanted counts as off air",
        "judge/airtime.py",
        "        if not wanted:\n            self.not_wanted += elapsed\n            return\n",
        "",
        ("time_adds_up",),
        shapes="planned",
    ),
    Mutant(
        "off air for ever, once it was",
        "judge/airtime.py",
        "return 0.0 if flows_for >= SUSTAINED_SECONDS else",
        "return 0.0 if flows_for >= 1e9 else",
        ("gauges_true",),
        shapes="single",
    ),
    Mutant(
        "a check that a clock step has stopped is not armed anew",
        "watchdog/scheduler.py",
        "            if now <= duty.punctual_until:",
        "            if now <= duty.punctual_until * 1e9:",
        ("gauges_true",),
        shapes="bad_clock",
    ),
    Mutant(
        "an orphan is left alone",
        "watchdog/sweep.py",
        "        if not self._odd or spare_unknown:",
        "        if self._mark or not self._odd or spare_unknown:",
        ("nothing_left",),
        shapes="massacre,single",
        streams=10,
        hours=0.4,
        faults=40,
    ),
    # --- what outlives neverdark ---
    Mutant(
        "adoption starts a second publisher",
        "process/slot.py",
        "        if self.adoptable:\n            self._take_over(self.adoptable)\n            return\n",
        "        if self.adoptable and not self.intake:\n"
        "            self._take_over(self.adoptable)\n"
        "            return\n",
        ("one_publisher",),
        shapes="away",
        faults=10,
    ),
    Mutant(
        "what could be taken over is ended",
        "process/adoption.py",
        "run.record.settings != settings(wanted[key]):",
        "run.record.settings != settings(wanted[key]) + run.record.settings[:1]:",
        ("taken_over",),
        shapes="away",
        faults=10,
    ),
    Mutant(
        "a record that is not refreshed",
        "model/runs.py",
        "if settings is not self._of[0] or learned is not self._of[1] or key is not self._of[2]:",
        "if key is not self._of[2]:",
        ("taken_over",),
        shapes="away,planned",
    ),
    Mutant(
        "a run that is taken over begins to count anew",
        "process/launch.py",
        "        place.count_on(record.before)\n",
        "",
        ("counters_never_fall",),
        shapes="away,burst",
    ),
    Mutant(
        "an operator's word is forgotten at the return",
        "stream/remembering.py",
        "self._orders.restore(known)",
        "self._orders.restore({})",
        ("wanted_true",),
        shapes="word",
        faults=15,
    ),
    Mutant(
        "a word that does not end",
        "desired/wanted.py",
        "return self.until is None or at < self.until",
        "return self.until is None or at < self.until + 86400.0",
        ("wanted_true",),
        shapes="word",
        faults=15,
    ),
    Mutant(
        "a schedule that is wrong by the hour of a summer-time night",
        "model/zones.py",
        "return (local - before).replace(tzinfo=UTC).timestamp()",
        "return (local - after).replace(tzinfo=UTC).timestamp()",
        ("wanted_true",),
        shapes="hours",
        hours=1.5,
        faults=15,
        seeds=6,
    ),
    Mutant(
        "an incident is written twice",
        "store/records.py",
        'return Record.of(("incident", incident.id), INCIDENT, row)',
        'row["id"] += "" if incident.closed is None else "-closed"\n'
        '    return Record.of(("incident", incident.id), INCIDENT, row)',
        ("history",),
        shapes="database",
        faults=10,
    ),
    Mutant(
        "what was open when neverdark was killed stays open in the history",
        "store/writing.py",
        "where(end.is_(None), table.c.boot != boot)",
        "where(end.is_(None), table.c.boot != boot, sa.false())",
        ("history",),
        shapes="away,flapping",
    ),
    Mutant(
        "a queue without a bound",
        "store/pending.py",
        "if record.key in self._records or len(self._records) < room:",
        "if record.key in self._records or len(self._records) < 1000 * room:",
        ("history",),
        shapes="database,flapping",
        hours=1.0,
        faults=40,
    ),
    Mutant(
        "records that are dropped and not counted",
        "store/pending.py",
        "self.dropped += 1",
        "pass",
        ("history",),
        shapes="database,flapping",
        hours=1.0,
        faults=40,
    ),
    Mutant(
        "maintenance that goes on for ever",
        "stream/maintaining.py",
        "            self._excuses.end(subject, Kind.MAINTENANCE)\n            return",
        "            return",
        ("excused",),
        shapes="maintenance",
        faults=10,
    ),
    Mutant(
        "an ingest that takes nothing is not noticed",
        "judge/uplink.py",
        "        if self._unread < timeout - slack or",
        "        if self._unread < 1e9 or self._unread < timeout - slack or",
        ("right_cause", "right_segment", "gauges_true", "back_in_time"),
        shapes="single,one_ingest",
        faults=50,
    ),
    # --- which source viewers see ---
    Mutant(
        "a source that is gone is not left",
        "judge/fallback.py",
        "        return rung.quiet >= (self.policy.after",
        "        return rung.quiet >= 1e9 + (self.policy.after",
        ("never_darker",),
        shapes="camera_lost",
    ),
    Mutant(
        "a black picture is shown on",
        "judge/content.py",
        'return now - min(found) if found and self.policy.recover == "fallback" else None',
        "return None",
        ("never_darker",),
        shapes="bad_picture",
    ),
    Mutant(
        "what does not deliver is switched to",
        "judge/fallback.py",
        "return since is not None and rungs[rung].good and now - since >= self._wait(rung)",
        "return since is None and now - self.since >= self._wait(rung)",
        ("good_first",),
        shapes="refused_switch,camera_lost",
    ),
    Mutant(
        "who was left feeds again when it is back",
        "stream/ladder.py",
        "        self._turn_to(to)\n        self._host.tell",
        "        self._host.tell",
        ("one_feeds",),
        shapes="camera_lost",
    ),
    Mutant(
        "a fallback that flaps is taken back each time",
        "judge/fallback.py",
        "self._doublings[left] = min(self._doublings[left] + 1, _MOST_DOUBLINGS) if soon else 0",
        "self._doublings[left] = 0 * soon",
        ("few_switches",),
        shapes="camera_flaps",
        faults=60,
        seeds=8,
    ),
    Mutant(
        "a source that is good again is not shown",
        "judge/fallback.py",
        "now - since >= self._wait(rung)",
        "now - since >= 900.0 + self._wait(rung)",
        ("returns_in_time",),
        shapes="camera_lost",
    ),
    Mutant(
        "the stream's own source is said to be shown while another one is",
        "stream/view.py",
        "            number == ladder.feeding,",
        "            number == 0,",
        ("sources_true",),
        shapes="camera_lost,away_on_fallback",
    ),
    Mutant(
        "an incident closes while viewers see a fallback",
        "judge/incidents.py",
        "if not fed.by_order and incident.is_replaced(fed.rung):",
        "if fed.by_order and incident.is_replaced(fed.rung):",
        ("fallback_told",),
        shapes="camera_lost",
        seeds=6,
    ),
    Mutant(
        "an operator's order is not heard",
        "judge/fallback.py",
        "if ordered is not None and self._can_show(ordered, rungs, now):",
        "if ordered == -1 and self._can_show(ordered, rungs, now):",
        ("order_kept",),
        shapes="shown",
        streams=2,
        faults=3,
        seeds=8,
    ),
    Mutant(
        "the encoder of a fallback runs on",
        "stream/ladder.py",
        "                slot.stop()\n\n    # --- how",
        "                pass\n\n    # --- how",
        ("rungs_rest",),
        shapes="camera_lost",
    ),
    # --- YouTube ---
    Mutant(
        "a broadcast is made twice where an answer was lost",
        "platforms/youtube/account.py",
        "why, reason = Refused.UNSURE, error.reason",
        "why, reason = Refused.LATER, error.reason",
        ("calls",),
        shapes="lost_answers",
        streams=2,
        hours=1.5,
        faults=30,
        seeds=6,
    ),
    Mutant(
        "somebody else's broadcast is tidied away",
        "platforms/youtube/planner.py",
        "for one in (known[name] for name in memory.made if name in known):",
        "for one in known.values():",
        ("calls",),
        shapes="studio",
        streams=2,
        hours=1.0,
        faults=12,
        seeds=6,
    ),
    Mutant(
        "broadcasts are made whatever the encoder does",
        "platforms/youtube/planner.py",
        "        if not sight.sends:\n",
        "        if not sight.sends and now < 0:\n",
        ("calls",),
        shapes="ended_beside",
        hours=1.5,
        faults=50,
        seeds=10,
    ),
    Mutant(
        "a broadcast is asked for without a trace",
        "platforms/youtube/account.py",
        "        if not desk.keep():\n",
        "        if desk.planner.memory is before:\n",
        ("calls",),
        shapes="studio",
        hours=1.0,
        faults=5,
    ),
    Mutant(
        "what changes something costs no more than a look",
        "platforms/youtube/calls.py",
        "costs.write if asked.writes else costs.read",
        "costs.read",
        ("ledger_true",),
        shapes="studio",
        hours=1.0,
        faults=5,
    ),
    Mutant(
        "a look comes late",
        "platforms/youtube/account.py",
        "desk.due = now + wait",
        "desk.due = now + 5 * wait",
        ("live_in_time",),
        shapes="studio",
        hours=1.0,
        faults=8,
    ),
    Mutant(
        "what a platform says is told to nobody",
        "platforms/watch.py",
        "if bad and not found and opinion.cause:",
        "if bad and found and opinion.cause:",
        ("platform_told",),
        shapes="studio",
        hours=1.0,
        faults=8,
    ),
    Mutant(
        "our processes are restarted because a broadcast has ended",
        "platforms/youtube/planner.py",
        "            return self._another(known, now, wall, Trouble.ENDED)\n",
        "            return Step(Act.RESTART_PUSHER, Trouble.ENDED, poll)\n",
        ("pids_stay",),
        shapes="studio",
        hours=1.0,
        faults=8,
    ),
)


def make(mutant: Mutant, folder: Path) -> None:
    """A copy of the product with this mistake in it, beside the tests. Raises Moved."""
    shutil.copytree(ROOT / "supervisor", folder / "supervisor", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").symlink_to(ROOT / "tests")
    file = folder / "supervisor" / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise Moved(f"{mutant.name}: expected once in supervisor/{mutant.file}, found {text.count(mutant.old)} times")
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Hunt:
    """What became of a mutant: the seed and the check that found it first, None where nothing did."""

    mutant: Mutant
    seed: int | None
    check: str | None
    text: str
    seconds: float

    @property
    def good(self) -> bool:
        """Found by whom it should be."""
        return self.check in self.mutant.checks


def hunt(mutant: Mutant) -> Hunt:
    """Run its histories until a check finds something. Raises Moved."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="neverdark-mutant-") as place:
        folder = Path(place)
        make(mutant, folder)
        for seed in range(1, mutant.seeds + 1):
            check, text = _run(mutant, seed, folder)
            if check:
                return Hunt(mutant, seed, check, text, time.monotonic() - began)
    return Hunt(mutant, None, None, "", time.monotonic() - began)


def _run(mutant: Mutant, seed: int, folder: Path) -> tuple[str | None, str]:
    size = ["--hours", str(mutant.hours), "--streams", str(mutant.streams), "--faults", str(mutant.faults)]
    argv = [sys.executable, "-m", "tests.simulation", *size, "--seed", str(seed), "--seeds", "1"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ran = subprocess.run(
            [*argv, "--shapes", mutant.shapes],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_MOST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "hangs", f"not over after {_MOST_SECONDS:.0f} s"
    if found := _FOUND.search(ran.stdout):
        return found[1], found[2]
    if ran.returncode:  # it did not get so far as to be judged
        return "crashes", (ran.stderr.strip().splitlines() or ["no words"])[-1]
    return None, ""


def main(only: str) -> int:
    """Hunt all whose name has `only` in it. Returns the exit code: 1 when one was not found as it should be."""
    began, bad = time.monotonic(), 0
    chosen = [mutant for mutant in MUTANTS if only in mutant.name]
    with ThreadPoolExecutor(_WORKERS) as workers:
        for found in workers.map(_try, chosen):
            if isinstance(found, Moved):
                bad += 1
                print(f"MOVED     {found}")
                continue
            word = "found" if found.good else ("SURVIVED" if found.check is None else "OTHERWISE")
            bad += not found.good
            how = f"by {found.check}, seed {found.seed}: {found.text}" if found.check else "by nothing"
            print(f"{word:<9} {found.mutant.name}: {how}")
            print(f"real {found.seconds:.1f} s", flush=True)
    print(f"{len(chosen) - bad} of {len(chosen)} mutants found as they should be")
    print(f"real {time.monotonic() - began:.1f} s")
    return int(bad > 0)


def _try(mutant: Mutant) -> Hunt | Moved:
    try:
        return hunt(mutant)
    except Moved as moved:
        return moved
