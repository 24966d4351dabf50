"""Drills: how long each may take, which incident is its own, and the client against a small neverdark of ours."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from supervisor import cli
from supervisor.drills.fallback import FallbackWatch
from supervisor.drills.rules import (
    CannotDrill,
    DrillPlace,
    Inapplicable,
    RunningPolicies,
    backoffs,
    check,
    expect_time,
    find_incident,
    objection,
    place_of,
    policies_of,
    recovered_by,
    seconds_allowed,
    watchdog_rests_until,
)
from supervisor.drills.view import DrillOutcome, DrillReport, one_line, passed
from supervisor.machine.marks import RUN_VARIABLE
from supervisor.model.drills import LONGEST, Drill
from supervisor.model.fallback import FallbackWaits
from supervisor.model.policies import RestartPolicy, StallPolicy, UplinkPolicy, WatchdogPolicy
from supervisor.model.terms import Role

Json = dict[str, Any]
DEFAULTS = RunningPolicies(RestartPolicy(), StallPolicy(), UplinkPolicy(), WatchdogPolicy())
ONE_TRY = RunningPolicies(
    RestartPolicy(attempts=1), StallPolicy(startup=7), UplinkPolicy(), WatchdogPolicy(interval=1, failures=2)
)


def shown(policies: RunningPolicies) -> Json:
    return {name: section.model_dump() for name, section in policies._asdict().items() if name != "fallback"}


def process(role: str, destination: str | None = None, policies: RunningPolicies = DEFAULTS, **more: object) -> Json:
    usual: Json = {"state": "running", "pid": 1, "run_id": "r", "budget_remaining": 10, "progress": {}, "uplink": None}
    return {"role": role, "destination": destination, "policies": shown(policies)} | usual | more


def stream(*processes: Json, **more: object) -> Json:
    found = processes or (process("encoder"), process("pusher", "backup"), process("pusher", "main", uplink={}))
    names = [each["destination"] for each in found if each["destination"]]
    destinations = [{"name": name, "required": name != "backup"} for name in names]
    usual = {"command": False, "drills": True, "on_air": True, "reason": None, "destinations": destinations}
    return {"stream": "cam", "processes": list(found)} | usual | more


def incident(identity: str = "new", **more: object) -> Json:
    usual: Json = {
        "destination": None,
        "opened": "2026-01-01T00:00:00.000Z",
        "closed": None,
        "cause": "killed",
        "segment": "encoder",
        "layer": "process",
        "drill": True,
        "seconds_dark": 0.3,
        "detection_seconds": 0.1,
        "recovery_seconds": 0.2,
        "actions": [],
    }
    return {"id": identity} | usual | more


def action(layer: str, result: str | None, at: str = "2026-01-01T00:00:00.000Z") -> Json:
    return {"at": at, "layer": layer, "action": "restart_encoder", "result": result}


@pytest.mark.parametrize(
    ("drill", "policies", "budget", "seconds"),
    [
        (Drill.QUICK, DEFAULTS, None, 0.5 + 30),
        (Drill.PUSHER, DEFAULTS, 10, 0.5 + 30),
        (Drill.QUICK, DEFAULTS, 7, 4 + 30),
        (Drill.QUICK, DEFAULTS, 0, 3 * 30 + 30 + 30),
        (Drill.FREEZE, DEFAULTS, None, 10 + 2 + 0.5 + 30),
        (Drill.UPLINK, DEFAULTS, None, 1 + 5 + 2 + 0.5 + 30),
        (Drill.SOURCE, DEFAULTS, None, 12 + 0.5 + 30),
        (Drill.FALLBACK, DEFAULTS._replace(fallback=FallbackWaits(0, 30)), None, 42 + 0.5 + 30 + 60 + 2 + 30),
        (Drill.FALLBACK, DEFAULTS._replace(fallback=FallbackWaits(60, 900)), 9, 92 + 1 + 30 + 900 + 2 + 30),
        (Drill.FULL, DEFAULTS, None, 0.5 + 1 + 2 + 4 + 8 + 5 * 10 + 3 * 30 + 30),
        (Drill.FULL, DEFAULTS, 3, 0.5 + 1 + 2 + 4 + 8 + 5 * 10 + 3 * 30 + 30),
        (Drill.FULL, ONE_TRY, None, 0.5 + 2 * 1 + 30),
        (Drill.QUICK, ONE_TRY, 0, 2 * 1 + 30 + 7),
    ],
)
def test_seconds_allowed(drill: Drill, policies: RunningPolicies, budget: int | None, seconds: float) -> None:
    assert seconds_allowed(drill, policies, budget) == pytest.approx(seconds)


def test_backoffs_of_a_huge_budget_stay_below_their_cap() -> None:
    assert backoffs(RestartPolicy(attempts=2000, factor=100, max_delay=4))[-1] == 4
    assert backoffs(RestartPolicy(attempts=0)) == []


def test_an_encoder_waits_for_the_first_watchdog_that_decides() -> None:
    slow = DEFAULTS._replace(watchdog=WatchdogPolicy(interval=60))
    off = DEFAULTS._replace(watchdog=WatchdogPolicy(enabled=False, interval=1))
    given = stream(process("encoder"), process("pusher", "a", slow), process("pusher", "b", off))
    assert policies_of(given, given["processes"][0]).watchdog == slow.watchdog


def test_whom_a_drill_hits() -> None:
    given = stream()
    assert place_of(Drill.QUICK, given, None) == DrillPlace(Role.ENCODER, None)
    assert place_of(Drill.PUSHER, given, None) == DrillPlace(Role.PUSHER, "main")
    assert place_of(Drill.PUSHER, given, "backup") == DrillPlace(Role.PUSHER, "backup")
    assert place_of(Drill.UPLINK, given, None) == DrillPlace(Role.PUSHER, "main")
    with pytest.raises(CannotDrill, match="there are: backup, main"):
        place_of(Drill.UPLINK, given, "nowhere")
    command = stream(process("command"), command=True)
    assert place_of(Drill.FULL, command, None) == DrillPlace(Role.COMMAND, None)
    for drill in (Drill.PUSHER, Drill.SOURCE, Drill.UPLINK):
        with pytest.raises(Inapplicable):
            place_of(drill, command, None)


@pytest.mark.parametrize(
    ("drill", "of_stream", "of_process", "words"),
    [
        (Drill.QUICK, {"drills": False}, {}, "switched off"),
        (Drill.QUICK, {"on_air": False, "reason": "encoder: backoff"}, {}, "not on air .encoder: backoff"),
        (Drill.FREEZE, {}, {"progress": None}, "no progress"),
        (
            Drill.FULL,
            {},
            {"policies": shown(DEFAULTS._replace(watchdog=WatchdogPolicy(enabled=False)))},
            "second layer",
        ),
    ],
)
def test_what_is_refused(drill: Drill, of_stream: Json, of_process: Json, words: str) -> None:
    victim = process("command") | of_process
    with pytest.raises(CannotDrill, match=words):
        check(drill, stream(victim, command=True) | of_stream, victim)


def test_a_drills_incident_is_new_marked_and_at_the_right_place() -> None:
    old, real = incident("old"), incident("real", drill=False)
    other, own = incident("other", destination="b"), incident("own", destination="a", segment="pusher")
    given = [other, own, old, real]
    assert find_incident(Drill.PUSHER, DrillPlace(Role.PUSHER, "a"), given, frozenset({"old"})) == own
    assert find_incident(Drill.QUICK, DrillPlace(Role.ENCODER, None), [old, real], frozenset({"old"})) is None


def test_who_recovered_and_what_is_wrong() -> None:
    assert recovered_by(incident()) == "process"
    assert recovered_by(incident(actions=[action("process", "failed"), action("watchdog", None)])) == "watchdog"
    assert recovered_by(incident(actions=[action("watchdog", "recovered"), action("process", None)])) == "watchdog"
    assert objection(Drill.QUICK, incident()) is None
    assert objection(Drill.UPLINK, incident()) == "the segment named is encoder, and it was uplink"
    assert "not by the second layer" in str(objection(Drill.FULL, incident()))


def test_the_second_layer_rests_after_its_last_action() -> None:
    acted = incident(actions=[action("watchdog", "recovered"), action("process", None, "2027-01-01T00:00:00Z")])
    assert watchdog_rests_until([acted], WatchdogPolicy(cooldown=60)) == datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert watchdog_rests_until([incident()], WatchdogPolicy()) is None


def test_passed_means_that_something_was_proved() -> None:
    recovered, skipped = DrillReport(Drill.QUICK, "a"), DrillReport(Drill.FREEZE, "a", outcome=DrillOutcome.SKIPPED)
    assert passed([recovered, skipped])
    assert not passed([skipped])
    assert not passed([recovered, recovered._replace(outcome=DrillOutcome.FAILED)])
    assert one_line(recovered.with_incident(incident())) == "quick: recovered; noticed after 0.10 s, back after 0.20 s"


# --- the client --------------------------------------------------------------------------------------


class Fake:
    """A neverdark of one command: a `sleep` that is replaced when it dies, and a list of incidents."""

    def __init__(self) -> None:
        self.segment = "encoder"
        self.mark: str | None = None  # instead of the true run
        self.repairs = True
        self.posts: list[Json] = []
        self.incidents: list[Json] = []
        self.window = 0.0
        self.runs = 0
        self.spawn()

    def spawn(self) -> None:
        self.runs += 1
        mark = {RUN_VARIABLE: self.mark or f"run-{self.runs}"}
        self.child = subprocess.Popen(["sleep", "60"], env=os.environ | mark)

    def turn(self) -> None:
        """What a supervisor does between two looks."""
        for each in self.incidents:
            each["recovery_seconds"] = 0.2
            each["closed"] = "2026-01-01T00:01:00.000Z"
        if self.child.poll() is not None and self.repairs:
            drill = time.monotonic() < self.window
            fresh = incident(f"i{self.runs}", segment=self.segment, drill=drill, recovery_seconds=None)
            self.incidents.insert(0, fresh)
            self.spawn()

    def answer(self, method: str, path: str, query: Json) -> tuple[int, Json]:
        if method == "POST":
            self.posts.append(query)
            self.window = time.monotonic() + float(query["seconds"])
            return 202, {}
        self.turn()
        if path.endswith("/incidents"):
            return 200, {"incidents": self.incidents}
        alive = self.child.poll() is None
        quick = RunningPolicies(
            RestartPolicy(initial_delay=0), StallPolicy(startup=0.5), UplinkPolicy(), WatchdogPolicy()
        )
        more = {"pid": self.child.pid if alive else None, "run_id": f"run-{self.runs}"}
        return 200, stream(process("command", None, quick, **more), command=True, on_air=alive, reason="dead")


@pytest.fixture
def fake() -> Iterator[Fake]:
    fake = Fake()
    yield fake
    with suppress(ProcessLookupError):
        fake.child.kill()
    fake.child.wait()


@contextmanager
def serving(answer: Callable[[str, str, Json], tuple[int, Json]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            status, body = answer(self.command, url.path, dict(parse_qsl(url.query)))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815 - the base class' name

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def drill(fake: Fake, capfd: pytest.CaptureFixture[str], name: str = "quick") -> tuple[int, list[Json], str]:
    with serving(fake.answer) as url:
        code = cli.main(["drill", name, "--stream", "cam", "--json", "--url", url])
    out, err = capfd.readouterr()
    drills: list[Json] = json.loads(out)["drills"]
    return code, drills, err


def test_a_drill_that_is_recovered_from(fake: Fake, capfd: pytest.CaptureFixture[str]) -> None:
    pid = fake.child.pid
    code, (report,), said = drill(fake, capfd)
    assert code == 0, said
    assert (report["outcome"], report["incident"], report["recovery_seconds"]) == ("recovered", "i1", 0.2)
    assert report["done"] == f"SIGKILL to command (pid {pid})"
    assert [post["seconds"] for post in fake.posts] == ["11", "0"], "announced, and withdrawn"


def test_a_wrong_segment_is_a_failure(fake: Fake, capfd: pytest.CaptureFixture[str]) -> None:
    fake.segment = "network"
    code, (report,), _ = drill(fake, capfd)
    assert (code, report["outcome"], report["segment"]) == (1, "failed", "network")


def test_a_stream_that_stays_dark_is_a_failure_and_ends_a_row_of_drills(
    fake: Fake, capfd: pytest.CaptureFixture[str]
) -> None:
    fake.repairs = False
    code, reports, _ = drill(fake, capfd, "all")
    assert code == 1
    assert [report["outcome"] for report in reports] == ["failed", *["skipped"] * 6]
    assert reports[0]["reason"] == "it was not on air again in time: dead"
    assert fake.posts[-1]["seconds"] == "0"


def test_a_process_that_is_not_the_run_is_not_touched(capfd: pytest.CaptureFixture[str], fake: Fake) -> None:
    fake.child.kill()
    fake.child.wait()
    fake.mark = "another"
    fake.spawn()
    code, (report,), _ = drill(fake, capfd)
    assert (code, report["outcome"]) == (1, "refused")
    assert report["reason"].endswith("run the drill on the machine where neverdark runs, as its user")
    assert fake.child.poll() is None


def test_what_is_called_off_leaves_nothing_frozen(fake: Fake, capfd: pytest.CaptureFixture[str]) -> None:
    """A SIGTERM (or Ctrl-C) in the middle of a freeze."""
    seen: list[str] = []

    def answer(method: str, path: str, query: Json) -> tuple[int, Json]:
        if _state(fake.child.pid) == "T" and not seen:
            seen.append("frozen")
            os.kill(os.getpid(), signal.SIGTERM)
        return fake.answer(method, path, query)

    with serving(answer) as url:
        assert cli.main(["drill", "freeze", "--stream", "cam", "--url", url]) == 1
    assert seen
    assert _state(fake.child.pid) == "S"
    assert fake.posts[-1]["seconds"] == "0"
    assert "called off" in capfd.readouterr().err


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


# --- a fallback ------------------------------------------------------------------------------------


def fed(source: str, acked: int | None, *, run: str = "r", connections: int = 1, sent: int = 0) -> Json:
    uplink = None if acked is None else {"connections": connections, "acked_bytes": acked}
    main = process("pusher", "main", run_id=run, uplink=uplink, progress={"bytes": sent})
    return stream(process("encoder"), main, on_primary=source == "primary", source=source)


def test_a_fallback_has_arrived_when_the_ingest_has_acknowledged_some_of_it() -> None:
    watch = FallbackWatch(fed("primary", 100))
    seen = []
    for source, acked in (("primary", 200), ("fallback1", 300), ("fallback1", 300), ("fallback1", 301)):
        assert watch.look(fed(source, acked)) is None
        seen.append((watch.fallback, watch.arrived))
    first = ("fallback1", False)  # what was acknowledged then may have been the rest of what was before
    assert seen == [(None, False), first, first, ("fallback1", True)]


def test_where_nobody_acknowledges_what_is_sent_counts() -> None:
    watch = FallbackWatch(fed("primary", None, sent=5))
    arrived = [watch.look(fed("fallback1", None, sent=sent)) or watch.arrived for sent in (6, 7)]
    assert arrived == [False, True]


@pytest.mark.parametrize(
    "after",
    [fed("fallback1", 300, run="another"), fed("fallback1", 300, connections=2), fed("primary", 1, run="another")],
)
def test_another_connection_is_told(after: Json) -> None:
    assert FallbackWatch(fed("primary", 100)).look(after) == "main: the ingest got another connection"


def test_without_a_fallback_or_with_an_order_there_is_no_drill_of_it() -> None:
    with pytest.raises(Inapplicable, match="the stream has no fallback"):
        place_of(Drill.FALLBACK, stream(), None)
    ordered = stream(
        fallback={"after": 0, "return_after": 30}, ordered_source={"source": "fallback1"}, stream="cam", drills=True
    )
    assert place_of(Drill.FALLBACK, ordered, None) == DrillPlace(Role.ENCODER, None)
    with pytest.raises(CannotDrill, match="neverdark switch cam --to auto"):
        check(Drill.FALLBACK, ordered, process("encoder"))


def test_what_viewers_saw_is_told_with_its_times() -> None:
    told = one_line(DrillReport(Drill.FALLBACK, "cam", fallback="fallback1", fallback_seconds=2.5, return_seconds=41.0))
    assert "fallback1 at the ingest after 2.50 s, on the same connection, primary again after 41s" in told


def test_one_that_may_take_longer_than_a_drill_lasts_is_refused() -> None:
    expect_time(LONGEST)
    with pytest.raises(CannotDrill, match="it may take 1h1m, and a drill lasts 1h at most"):
        expect_time(LONGEST + 60)
