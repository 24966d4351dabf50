"""A directory with one stream a file, beside a running neverdark; and one order to a group of them."""

from __future__ import annotations

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import Json
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, eventually
from tests.plain_yaml import plain_dump

LOOKS = 2.0  # a change is seen and has rested
LOBBY: Json = {"command": ["sleep", "1000"], "group": "lobby", "labels": {"site": "berlin"}}
ROOF: Json = {"command": ["sleep", "1000"], "labels": {"site": "bonn"}}


def put(running: Neverdark, name: str, content: Json) -> None:
    """As most editors save: the whole file at once."""
    directory = running.folder / "conf.d"
    directory.mkdir(exist_ok=True)
    (directory / f".{name}.new").write_text(plain_dump(content, sort_keys=False))
    (directory / f".{name}.new").rename(directory / f"{name}.yml")


def test_streams_come_and_go_with_their_files_and_a_group_is_ordered_at_once(unstarted: Launch) -> None:
    running = unstarted({"main": ROOF}, include="conf.d")
    for name, content in (("a", LOBBY), ("b", LOBBY), ("c", ROOF)):
        put(running, name, content)
    running.start()
    running.wait_on_air()
    assert [one["stream"] for one in running.get("/api/streams").json()["streams"]] == ["main", "a", "b", "c"]
    before = running.pids()

    asked = running.cli("restart", "group=lobby", "--reason", "new switch")
    assert (asked.returncode, asked.stdout.splitlines()) == (0, ["a: restart accepted", "b: restart accepted"])
    lobby = {("a", "command", ""), ("b", "command", "")}

    def replaced() -> bool:
        now = running.pids()
        return now.keys() == before.keys() and {name for name in now if now[name] != before[name]} == lobby

    eventually(replaced, SLACK, "the lobby's processes are new ones, and no others")
    assert running.log().count("restart ordered by an operator") == 2
    assert running.stream("a")["desired"]["why"] == "new switch"
    assert running.cli("stop", "group=roof").returncode == 2

    put(running, "d", {**LOBBY, "group": "roof"})
    eventually(lambda: running.stream("d")["on_air"], LOOKS + SLACK, "a file that comes is a stream that runs")
    put(running, "d", {"drils": False, **LOBBY})
    eventually(lambda: running.metric("config_last_reload_successful") == 0, LOOKS + SLACK, "a mistake is noticed")
    told = running.get("/api/config").json()["refused"]["problems"]
    assert told == [f"{running.folder}/conf.d/d.yml: drils (line 1): unknown key; did you mean drills?"]
    assert running.stream("d")["group"] == "roof"
    (running.folder / "conf.d" / "d.yml").unlink()
    eventually(lambda: running.get("/api/streams/d").status_code == 404, LOOKS + SLACK, "gone with its file")

    pids = running.pids()
    (running.folder / "conf.d").rename(running.folder / "elsewhere")
    (running.folder / "conf.d").mkdir()
    refused = running.cli("reload")
    assert (refused.returncode, "3 of the 4 streams that are wanted now" in refused.stderr) == (1, True)
    assert running.pids() == pids
    assert running.cli("reload", "--allow-removal").returncode == 0
    eventually(lambda: running.pids().keys() == {("main", "command", "")}, SLACK, "that was meant")
