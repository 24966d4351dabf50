"""Faults on purpose, against this machine's kernel: a connection that hears nothing, and signals that cannot miss."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from supervisor.machine.faults import FaultFailed, Grip, NotOurs, block_connection
from supervisor.machine.marks import RUN_VARIABLE
from supervisor.model.quantities import Address
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import publishing
from tests.integration.harness.waiting import SLACK, all_along, eventually

RUN = "20260101T000000.000Z-1"


class Sent:
    """What `ss` says of the connections to a port: bytes acknowledged, and bytes that wait to be."""

    def __init__(self, port: int) -> None:
        said = subprocess.run(["ss", "-Htni", "dport", "=", f":{port}"], capture_output=True, text=True, check=True)
        words = said.stdout.split()
        self.connections = words.count("ESTAB") + words.count("FIN-WAIT-1")
        self.acked = sum(int(word.partition(":")[2]) for word in words if word.startswith("bytes_acked:"))
        self.waiting = int(words[2]) if words else 0


def test_a_blocked_publisher_is_heard_no_more_and_leaves_nothing_behind(ingest: Ingest) -> None:
    with publishing(f"{ingest.url}/cam") as pusher:
        eventually(lambda: ingest.receives("cam"), 5 + SLACK, "published")

        victim = block_connection(pusher.pid, remote=Address("127.0.0.1", ingest.port))

        assert (victim.pid, victim.remote.port) == (pusher.pid, ingest.port)
        before = Sent(ingest.port)
        eventually(lambda: Sent(ingest.port).waiting > 1000, 3 + SLACK, "data waits")
        all_along(lambda: Sent(ingest.port).acked == before.acked, 2, "nothing is acknowledged")
        assert Sent(ingest.port).connections == 1, "and the connection stands"
        pusher.kill()
        pusher.wait()
        assert Sent(ingest.port).connections == 0
    # A dead publisher whose last data still waits would hold the key against the next one for minutes.
    eventually(lambda: "cam" not in ingest.publishers(), SLACK, "the ingest knows that it is gone")
    with publishing(f"{ingest.url}/cam"):
        eventually(lambda: ingest.receives("cam"), 5 + SLACK, "the next one is welcome, and is heard")
    assert not ingest.refused()


@pytest.mark.parametrize(
    ("host", "to"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("127.0.0.1", "::ffff:127.0.0.1")]
)
def test_a_connection_of_a_process_below_is_found_by_inode_address_or_alone(host: str, to: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        script = f"import socket, time; s = socket.create_connection(('{to}', {port})); time.sleep(60)"
        shell = ["sh", "-c", '"$0" -c "$1" & wait', sys.executable, script]
        with subprocess.Popen(shell, start_new_session=True) as parent:
            try:
                server.settimeout(10)
                client = server.accept()[0]
                found = block_connection(parent.pid)
                assert found.pid != parent.pid
                assert found == block_connection(parent.pid, remote=Address("a.name", port))
                assert found == block_connection(parent.pid, found.inode, Address(host, port))
                client.sendall(b"unheard")
                time.sleep(0.3)
                assert _receive_queue(port) == b"0", "it is not delivered"
                for wrong in ({"inode": 5}, {"remote": Address("192.0.2.1", port)}, {"remote": Address(host, 9)}):
                    with pytest.raises(FaultFailed, match="no open TCP connection"):
                        block_connection(parent.pid, **wrong)
                client.close()
            finally:
                os.killpg(parent.pid, signal.SIGKILL)


def _receive_queue(port: int) -> bytes:
    said = subprocess.run(["ss", "-Htn", "dport", "=", f":{port}"], capture_output=True, check=True).stdout
    return next(line.split()[1] for line in said.splitlines() if line.startswith(b"ESTAB"))


def test_what_cannot_be_blocked_is_said() -> None:
    with subprocess.Popen(["sleep", "60"]) as idle:
        with pytest.raises(FaultFailed, match=f"process {idle.pid} has no open TCP connection"):
            block_connection(idle.pid)
        idle.kill()
        idle.wait()
        with pytest.raises(FaultFailed, match=f"there is no process {idle.pid}"):
            block_connection(idle.pid)


def test_a_signal_reaches_only_the_run_that_is_meant() -> None:
    script = ["sh", "-c", "sleep 60 & wait"]
    with subprocess.Popen(script, env=os.environ | {RUN_VARIABLE: RUN}, start_new_session=True) as run:
        with pytest.raises(NotOurs, match="is not the run"):
            eventually(lambda: _started(run.pid), SLACK, "it has children") and Grip(run.pid, RUN + "9")
        with Grip(run.pid, RUN, whole=True) as grip:
            grip.send(signal.SIGSTOP)
            below = _started(run.pid)
            eventually(lambda: {_state(pid) for pid in (run.pid, *below)} == {"T"}, SLACK, "all are stopped")
            grip.send(signal.SIGCONT)
            eventually(lambda: {_state(pid) for pid in (run.pid, *below)} == {"S"}, SLACK, "all go on")
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
            with pytest.raises(ProcessLookupError):
                grip.send(signal.SIGKILL)
    with pytest.raises(ProcessLookupError):
        Grip(run.pid, RUN)


def _started(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
