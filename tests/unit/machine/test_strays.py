"""What dead runs leave behind is ended; what lives, or is not ours, is left alone. In a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

# Being a subreaper is for life, so it is tried in a child. It starts a shell that puts two sleepers into the
# background, in sessions of their own, and dies; then it sweeps until what should go has gone.
PROGRAM = """
import json, os, subprocess, sys, time
from pathlib import Path
from supervisor.machine.marks import OWNER_VARIABLE, RUN_VARIABLE
from supervisor.machine.strays import become_parent_of_orphans, sweep

become_parent_of_orphans()
owner = sys.argv[1]

def leave_behind(owner, run):
    script = "setsid sleep 300 >/dev/null 2>&1 & echo $!"
    environment = {**os.environ, OWNER_VARIABLE: owner, RUN_VARIABLE: run}
    return int(subprocess.run(["sh", "-c", script], env=environment, capture_output=True, check=True).stdout)

def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False

pids = {"dead": leave_behind(owner, "over"), "live": leave_behind(owner, "now"), "other": leave_behind("0:45:68", "x")}
known = subprocess.Popen(["sleep", "300"], env={**os.environ, OWNER_VARIABLE: owner, RUN_VARIABLE: "over"})
deadline = time.monotonic() + 20
killed = []
while time.monotonic() < deadline and (alive(pids["dead"]) or Path(f"/proc/{pids['dead']}").exists()):
    killed += sweep({known.pid}, {"now"}, owner)
    time.sleep(0.01)
result = {name: alive(pid) for name, pid in pids.items()}
result |= {"known": known.poll() is None, "killed": set(killed) == {pids["dead"]},
           "zombie": Path(f"/proc/{pids['dead']}").exists()}
for pid in (pids["live"], pids["other"], known.pid):
    os.kill(pid, 9)
print(json.dumps(result))
"""


def test_only_what_belongs_to_a_dead_run_of_ours_is_ended() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, "0123:45:67"],
        capture_output=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[3],
    )
    assert json.loads(answer.stdout) == {
        "dead": False,
        "live": True,
        "other": True,
        "known": True,
        "killed": True,
        "zombie": False,
    }
