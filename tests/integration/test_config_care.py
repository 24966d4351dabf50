"""What may happen to the file: emptied, half saved, saved at a bad moment. No stream goes dark by it."""

from __future__ import annotations

import signal

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import Json, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, all_along, eventually
from tests.plain_yaml import plain_dump

SLEEPER: Json = {"command": ["sleep", "1000"]}
FOUR = dict.fromkeys(("one", "two", "three", "four"), SLEEPER)
REJECTED = "configuration rejected"
LOOKS = 2.0  # a change is seen and has rested
LONG_REST = 7.0  # the same for a file that may be half saved


def good(running: Neverdark) -> bool:
    return running.metric("config_last_reload_successful") == 1


def refused(running: Neverdark) -> bool:
    return running.metric("config_last_reload_successful") == 0


@pytest.mark.parametrize("how", ["emptied", "cut before streams", "streams without anything", "only comments"])
def test_a_file_that_lost_its_streams_changes_nothing(neverdark: Launch, how: str) -> None:
    """As a full disk, a power cut or a slip of the hand leaves it; also when a signal has it read at once."""
    running = neverdark(FOUR)
    running.wait_on_air()
    pids, whole = running.pids(), running.config_file.read_text()
    lost = {
        "emptied": "",
        "cut before streams": whole.partition("streams:")[0],
        "streams without anything": whole.partition("streams:")[0] + "streams:\n",
        "only comments": "# streams\n",
    }
    running.config_file.write_text(lost[how])
    running.send(signal.SIGHUP)
    eventually(lambda: refused(running), SLACK, "it is told")
    assert "streams: {} says that none are wanted" in running.log()
    assert running.log().count(REJECTED) == 1
    told = running.get("/api/config").json()["refused"]
    assert "streams: {} says that none are wanted" in told["problems"][0]

    all_along(lambda: running.pids() == pids and running.on_air(), LONG_REST + 1, "a stream is gone")
    assert "planned stop" not in running.log()
    assert running.get("/api/config").json()["refused"] == told, "also after it was read again and again"
    running.config_file.write_text(whole)
    eventually(lambda: good(running), LONG_REST + SLACK, "all is well again")
    assert running.get("/api/config").json()["refused"] is None
    assert running.pids() == pids


def test_a_slow_save_takes_nothing_down(neverdark: Launch) -> None:
    """Truncated, seconds later half of it, cut at the end of a line, and seconds later the rest."""
    running = neverdark(FOUR)
    running.wait_on_air()
    pids, whole = running.pids(), running.config_file.read_text()
    first = whole[: whole.index("  four:")]
    with running.config_file.open("w") as file:
        all_along(lambda: running.pids() == pids, LOOKS + 0.5, "emptied")
        file.write(first)
        file.flush()
        all_along(lambda: running.pids() == pids, LOOKS + 0.5, "half of it")
        file.write(whole.removeprefix(first) + "  five: {command: [sleep, '1000']}\n")
    eventually(lambda: running.stream("five")["on_air"], LOOKS + SLACK, "the new one is on air")
    assert {name: pid for name, pid in running.pids().items() if name[0] != "five"} == pids
    assert REJECTED not in running.log()


def test_a_file_whose_last_line_has_no_end_is_taken_a_little_later(neverdark: Launch) -> None:
    running = neverdark(FOUR)
    running.wait_on_air()
    with running.config_file.open("a") as file:
        file.write("  five: {command: [sleep, '1000']}")
    eventually(lambda: running.stream("five")["on_air"], LONG_REST + SLACK, "the new one is on air")


def test_a_file_that_is_saved_while_neverdark_starts_is_read(unstarted: Launch) -> None:
    running = unstarted({"one": SLEEPER})
    running.launch()
    eventually(lambda: "neverdark" in running.log(), 10 + SLACK, "the file is read, and the loop runs")
    running.config["streams"]["two"] = SLEEPER
    running.write_config()
    eventually(lambda: running.stream("two")["on_air"], LOOKS + 10 + SLACK, "what was saved is in force")


def test_most_streams_go_only_with_a_word(neverdark: Launch) -> None:
    running = neverdark(FOUR)
    running.wait_on_air()
    pids = running.pids()
    running.config["streams"] = {"one": SLEEPER, **{name: {**SLEEPER, "enabled": False} for name in ("two", "three")}}
    running.write_config()
    eventually(lambda: refused(running), LOOKS + SLACK, "noticed by itself, and told")
    says = "this would end 3 of the 4 streams that are wanted now (two, three, four)"
    assert f"streams: {says}; if that is meant: neverdark reload --allow-removal" in running.log()

    asked = running.cli("reload")
    assert asked.returncode == 1
    assert says in asked.stderr
    running.send(signal.SIGHUP)
    eventually(lambda: running.log().count(REJECTED) == 3, SLACK, "who asks is told again")
    assert running.pids() == pids
    assert running.on_air()

    allowed = running.cli("reload", "--allow-removal")
    assert (allowed.returncode, allowed.stdout) == (0, "configuration reloaded: removed four; changed two, three\n")
    eventually(lambda: [s["stream"] for s in running.streams() if s["wanted"]] == ["one"], 3 + SLACK, "they end")
    eventually(lambda: len(running.streams()) == 3, 3 + SLACK, "and the fourth is gone")
    assert good(running)
    assert running.pid("one", "command") == pids["one", "command", ""]


def test_a_file_that_says_so_ends_all(neverdark: Launch) -> None:
    running = neverdark(FOUR)
    running.wait_on_air()
    running.config["streams"] = {}
    running.write_config()
    eventually(lambda: running.streams() == [], LOOKS + 3 + SLACK, "all are gone")
    assert good(running)


def test_a_reload_that_is_asked_for_says_what_it_did(neverdark: Launch) -> None:
    token = secret("token")
    running = neverdark({"one": SLEEPER}, api_token=token)
    running.wait_on_air()
    running.config |= {"streams": {"two": SLEEPER}, "ports": "21000-21999"}  # not taken without a word
    running.write_config()
    assert running.post("/api/config/reload?allow_removal=true").status_code == 401
    done = running.cli("reload", "--allow-removal")
    assert done.returncode == 0
    assert done.stdout == (
        "configuration reloaded: added two; removed one\ntakes effect only when neverdark is started anew: ports\n"
    )
    running.wait_on_air("two")

    running.config_file.write_text(plain_dump(running.config | {"lisen": "x"}))
    done = running.cli("reload")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "neverdark: configuration rejected, the old one stays in force",
        "lisen: unknown key; did you mean listen?",
    ]


def test_what_others_can_read_is_told_at_the_start_and_at_a_reload(unstarted: Launch) -> None:
    running = unstarted({"one": SLEEPER}, api_token=secret("token"))
    running.config_file.chmod(0o604)
    running.start()
    says = f"{running.config_file}: other users can read the secret in it: chmod 600 {running.config_file}"
    assert running.log().count(says) == 1
    running.config_file.chmod(0o644)  # that alone has it looked at again
    eventually(lambda: running.log().count(says) == 2, LOOKS + SLACK, "told again")
    running.config_file.chmod(0o600)
    eventually(lambda: running.log().count("configuration reloaded") == 2, LOOKS + SLACK, "looked at again")
    assert running.log().count(says) == 2


def test_a_typing_error_of_one_stream_keeps_no_other_dark(neverdark: Launch) -> None:
    """A start begins with what works; a reload that would take a stream off air by it is refused."""
    running = neverdark({"good": SLEEPER, "bad": {"command": ["no-such-program-here", "-x"]}})
    running.wait_on_air("good")
    says = "streams.bad.command[0]: expected a program that PATH knows"
    eventually(lambda: says in running.log(), SLACK, "it is told")
    pids = running.pids()
    whole = running.config_file.read_text()

    running.config_file.write_text(whole.replace("sleep", "sleeep"))
    done = running.cli("reload", "-c", str(running.config_file))
    assert done.returncode == 1
    assert "streams.good.command[0]: expected a program that PATH knows; did you mean sleep?" in done.stderr
    assert running.pids()["good", "command", ""] == pids["good", "command", ""]
    assert running.on_air("good")
