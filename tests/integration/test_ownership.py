"""What we own on the machine, and what children get: no other user, and no other neverdark, is in the way."""

from __future__ import annotations

import os
import resource
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.supervised import Neverdark, carriers, carriers_of, mark_of
from tests.integration.harness.waiting import SLACK, all_along, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")
AS_STRANGER = ["setpriv", "--reuid=10002", "--regid=10002", "--clear-groups"]


@contextmanager
def stranger(script: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another user's shell script, with all that it starts."""
    with subprocess.Popen([*AS_STRANGER, "sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as shell:
        try:
            yield shell
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)


def reachable(folder: Path) -> None:
    """Let every user go there, as to /var/lib."""
    for each in (folder, *folder.parents):
        if each.stat().st_uid == os.getuid() and not each.stat().st_mode & 0o001:
            each.chmod(each.stat().st_mode | 0o011)


def sleeper(word: str = "1000") -> dict[str, object]:
    return {"command": ["sleep", word]}


def variables(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(pair.decode().split("=", 1) for pair in pairs if b"=" in pair)


# --- what an earlier run left ------------------------------------------------------------------------


def test_another_user_cannot_hold_up_a_start(unstarted: Launch) -> None:
    """Marks of his, old and new, in processes that come anew as fast as they are killed."""
    running = unstarted({"mine": sleeper()})
    running.start().wait_on_air()
    running.crash()
    marks = [shlex.quote(f"_NEVERDARK_OWNER={mark}") for mark in (running.data_dir, mark_of(running.data_dir))]
    loops = " ".join(f"(while :; do env {mark} sleep 5; done) &" for mark in marks)
    with stranger(f"{loops} sleep 0.3; echo begun; wait") as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"begun\n"
        running.start().wait_on_air()
        assert running.stop() == 0
        assert shell.poll() is None
    eventually(lambda: not running.left(), 5 + SLACK, "the last that he started is gone")


def test_two_in_containers_of_their_own_at_the_same_path_leave_each_other_alone(
    tmp_path: Path, ingest: Ingest, unstarted: Launch
) -> None:
    keys = [secret("one"), secret("two")]
    first = unstarted({"cam": cam(ingest.url, keys[0])})
    second = Neverdark(
        first.folder.with_name("second"), {"cam": cam(ingest.url, keys[1])}, data_dir=str(first.data_dir)
    )
    second.data_dir = first.data_dir
    for running, volume in ((first, "one"), (second, "two")):
        (tmp_path / volume).mkdir(mode=0o700)
        mount = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
        running.data_dir.mkdir(exist_ok=True)
        running.wrapper = ["unshare", "--mount", "sh", "-c", mount, "sh", str(tmp_path / volume), str(running.data_dir)]
    first.start().wait_on_air()
    pids = first.pids()
    with second:
        second.wait_on_air()
        assert len(second.left()) == 2
        assert first.pids() == pids
        assert second.stop() == 0
    all_along(first.on_air, 1, "the first is on air")
    assert first.pids() == pids
    assert first.restarts() == {PUSHER: {}, ENCODER: {}}
    assert "that an earlier neverdark left behind" not in first.log() + second.log()


def test_what_an_older_version_left_is_ended(unstarted: Launch) -> None:
    running = unstarted({"mine": sleeper()})
    old = {"PATH": os.environ["PATH"], "_NEVERDARK_OWNER": str(running.data_dir), "_NEVERDARK_RUN": "x"}
    with subprocess.Popen(["sh", "-c", "sleep 1000 & wait"], env=old, start_new_session=True) as left:
        running.start()
        assert left.wait(SLACK) == -signal.SIGKILL
        running.wait_on_air()
    assert not carriers_of(str(running.data_dir))


# --- the data_dir ------------------------------------------------------------------------------------


def made_by_a_stranger(running: Neverdark) -> str:
    running.folder.chmod(0o1777)
    reachable(running.folder)
    trap = 'mkdir -p data/run/mine data/logs; mkfifo data/run/mine/command.output; ln -s "$1" data/logs/mine'
    subprocess.run([*AS_STRANGER, "sh", "-c", trap, "sh", str(running.folder)], cwd=running.folder, check=True)
    return "belongs to"


def fifo_of_a_stranger(running: Neverdark) -> str:
    (running.data_dir / "run" / "mine").mkdir(parents=True)
    os.mkfifo(running.data_dir / "run" / "mine" / "command.output")
    os.chown(running.data_dir / "run" / "mine" / "command.output", 10002, 10002)
    return "belongs to"


def logs_that_lead_elsewhere(running: Neverdark) -> str:
    running.data_dir.mkdir()
    (running.data_dir / "logs").symlink_to(running.folder)
    return "is a symbolic link"


def open_to_everybody(running: Neverdark) -> str:
    running.data_dir.mkdir()
    running.data_dir.chmod(0o777)
    return "can be changed by every user"


@pytest.mark.parametrize(
    "prepare", [made_by_a_stranger, fifo_of_a_stranger, logs_that_lead_elsewhere, open_to_everybody]
)
def test_a_data_dir_that_is_not_ours_alone_is_refused(prepare: Callable[[Neverdark], str], unstarted: Launch) -> None:
    running = unstarted({"mine": sleeper()})
    said = prepare(running)
    before = sorted(running.folder.rglob("*"))
    done = running.cli("run", "-c", str(running.config_file))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"data_dir: '{running.data_dir}': expected a directory of neverdark's own, but {running.data_dir}" in line
    assert said in line
    assert any(f": {command} " in line for command in ("chown -R 0", "chmod -R go-w", "rm"))
    assert sorted(running.folder.rglob("*")) == before, "nothing was touched"


def test_a_lock_of_another_user_is_no_neverdark(unstarted: Launch) -> None:
    running = unstarted({"mine": sleeper()})
    running.data_dir.mkdir()
    reachable(running.data_dir)
    running.data_dir.chmod(0o755)
    with stranger(f"exec 3<{shlex.quote(str(running.data_dir))}; flock -x 3; echo locked; sleep 60") as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"locked\n"
        running.start().wait_on_air()


def test_a_month_of_crashes_leaves_no_descriptor_open(neverdark: Launch) -> None:
    restart = {"initial_delay": 0, "attempts": 100_000}
    running = neverdark({"mine": {"command": ["sh", "-c", "echo hello; exec sleep 0.05"], "restart": restart}})

    def restarts() -> int:
        return running.restarts()["mine", "command", ""].get("exit", 0)

    def descriptors() -> int:
        assert running.process is not None
        return len(list(Path(f"/proc/{running.process.pid}/fd").iterdir()))

    eventually(lambda: restarts() >= 5, 10 + SLACK, "it comes and goes")
    before, seen = descriptors(), restarts()
    eventually(lambda: restarts() >= seen + 40, 40 + SLACK, "for long")
    # A connection of ours, or the child's pidfd, may be there or not.
    assert abs(descriptors() - before) <= 4


# --- what children get -------------------------------------------------------------------------------


def test_children_have_what_they_need_and_no_secret_of_others(ingest: Ingest, unstarted: Launch) -> None:
    mine = {
        "command": ["sh", "-c", "exec sleep ${NAP}; echo $OWN_TOKEN"],
        "destinations": {"yt": {"url": "rtmp://127.0.0.1:9/live", "key": "${MINE_KEY}"}},
    }
    running = unstarted({"cam": cam(ingest.url, "${CAM_KEY}"), "mine": mine})
    running.environment |= {
        "CAM_KEY": secret("cam"),
        "MINE_KEY": secret("mine"),
        "OWN_TOKEN": secret("own"),
        "UNUSED_PASSWORD": secret("unused"),
        "NAP": "1000",
        "SITE": "harbour",
        "VIRTUAL_ENV": "/venv",
        "LC_ALL": "C.UTF-8",
        "http_proxy": "http://127.0.0.1:9",
        "NEVERDARK_DEFAULTS__STALL__TIMEOUT": "11s",
        "NOTIFY_SOCKET": "/nowhere",
    }
    running.start().wait_on_air("cam")
    encoder, pusher = (variables(running.pid(*place)) for place in (ENCODER, PUSHER))
    command = variables(running.pid("mine", "command"))

    assert encoder.items() >= {"PATH": running.environment["PATH"], "LC_ALL": "C.UTF-8"}.items()
    assert encoder["http_proxy"] == "http://127.0.0.1:9"
    assert "http_proxy" not in pusher
    for ffmpeg in (encoder, pusher):
        assert not ffmpeg.keys() & {"CAM_KEY", "MINE_KEY", "OWN_TOKEN", "UNUSED_PASSWORD", "SITE", "NOTIFY_SOCKET"}
    assert command["MINE_KEY"] == secret("mine")
    assert command["OWN_TOKEN"] == secret("own")
    assert command.items() >= {"NAP": "1000", "SITE": "harbour", "VIRTUAL_ENV": "/venv"}.items()
    assert not command.keys() & {"CAM_KEY", "UNUSED_PASSWORD", "NEVERDARK_DEFAULTS__STALL__TIMEOUT", "NOTIFY_SOCKET"}

    # What a reload adds to the text of a stream, its next run has; nothing is replaced because others' text changed.
    running.config["streams"]["mine"]["command"][-1] += " $UNUSED_PASSWORD"
    before = running.pid("mine", "command")
    running.write_config()
    eventually(lambda: running.replaced(before, "mine", "command"), 3 + SLACK, "its text has changed")
    assert "UNUSED_PASSWORD" in variables(running.pid("mine", "command"))
    assert running.restarts()[PUSHER] == running.restarts()[ENCODER] == {}


def test_children_have_the_file_limits_that_we_were_started_with(ingest: Ingest, unstarted: Launch) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    running = unstarted({"cam": cam(ingest.url, secret("main")), "mine": sleeper()})
    running.wrapper = ["prlimit", "--nofile=777:"]
    running.start().wait_on_air("cam")
    assert running.process is not None
    assert resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    for place in (ENCODER, PUSHER, ("mine", "command", "")):
        assert resource.prlimit(running.pid(*place), resource.RLIMIT_NOFILE) == (777, hard)
    assert len(carriers(running.data_dir)) == 3


# --- two on one key ----------------------------------------------------------------------------------


def test_two_neverdarks_on_one_key_learn_of_each_other(tmp_path: Path, ingest: Ingest, neverdark: Launch) -> None:
    key = secret("main")
    first = neverdark({"cam": cam(ingest.url, key)})
    first.wait_on_air()
    eventually(lambda: ingest.receives(key), SLACK, "published")
    assert first.process is not None
    assert "somebody else" not in first.log()
    # Each looks a second after its start, then twice a minute; the second, once it is put up, finds the first.
    with Neverdark(tmp_path / "second", {"cam": cam(ingest.url, key)}) as second:
        who = f"another neverdark, pid {first.process.pid}, data_dir {first.data_dir}"
        eventually(lambda: who in second.log(), 5 + SLACK, "the log says who")

        def told() -> bool:
            failure = second.one(*PUSHER)["last_failure"]
            return bool(failure) and any(who in line for line in failure["log"])

        eventually(told, 15 + SLACK, "and so do page and API, beside the refusal")
        assert second.log().count('"somebody else publishes on this key"') == 1
    assert first.on_air()
