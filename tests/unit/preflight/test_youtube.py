"""What `check` tells of YouTube."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from supervisor.config.file import Loaded, load
from supervisor.preflight.youtube import needs, youtube_doubts

BROADCAST = {"title": "T", "made_for_kids": False}


def read(folder: Path, streams: int = 1, quota: dict[str, int] | None = None, **place: Any) -> Loaded:
    (folder / "secret").write_text("made-up")
    (folder / "token.json").touch()
    account = {"client_id": "1", "client_secret_file": "secret", "token_file": "token.json", "quota": quota or {}}
    tree: dict[str, Any] = {"youtube": {"accounts": {"main": account}}, "streams": {}}
    for number in range(streams):
        youtube = {"account": "main", "stream_id": f"s{number}", "broadcast": BROADCAST, **place}
        destination = {"url": f"rtmp://h/live/{number}", "youtube": youtube}
        tree["streams"][f"s{number}"] = {"source": {"url": "x"}, "destinations": {"d": destination}}
    (folder / "neverdark.yml").write_text(json.dumps(tree))
    return load(folder / "neverdark.yml")


def doubts(loaded: Loaded) -> list[str]:
    return [str(warning) for warning in youtube_doubts(loaded, Path())]


def test_ten_streams_on_one_channel(tmp_path: Path) -> None:
    loaded = read(tmp_path, 10)
    assert list(needs(loaded.config)) == ["youtube.accounts.main: asking takes 2,880 of 10,000 units a day"]
    assert doubts(loaded) == []
    loaded = read(tmp_path, 10, rotate={"every": "11h"})
    assert list(needs(loaded.config)) == [
        "youtube.accounts.main: asking takes 2,880 of 10,000 units a day, and rotations add 4,364"
    ]
    assert doubts(loaded) == []


def test_rotations_that_leave_no_broadcast_for_repairs(tmp_path: Path) -> None:
    """Eight may be made in a day, for whatever reason; and never two in ten minutes, however short `every` is."""
    where = "streams.s0.destinations.d.youtube.rotate.every"
    none_left = "from 8 on (every 3h) none may be made to replace one that has ended"
    assert doubts(read(tmp_path, rotate={"every": "3h"})) == [f"{where}: 3h: 8 broadcasts a day; {none_left}"]
    assert doubts(read(tmp_path, rotate={"every": "181m"})) == []
    loaded = read(tmp_path, rotate={"every": "1s"})
    assert doubts(loaded)[0] == f"{where}: 1s: 144 broadcasts a day; {none_left}"
    (line,) = needs(loaded.config)
    assert line.endswith("rotations add 28,800")


def test_a_quota_that_does_not_suffice(tmp_path: Path) -> None:
    (line,) = doubts(read(tmp_path, 2, poll="10s"))
    assert line.startswith(
        "youtube.accounts.main.quota: they need 17,280 units a day (17,280 to ask, 0 to rotate), and 9,000 are there"
    )
    assert line.endswith("YouTube will be asked more rarely than poll says")
    assert doubts(read(tmp_path, 2, quota={"limit": 20_000}, poll="10s")) == []
    (line,) = doubts(read(tmp_path, 10, rotate={"every": "4h"}))
    assert line.endswith("YouTube will be asked more rarely than poll says, and not all rotations will be made")


def test_what_a_person_has_to_do(tmp_path: Path) -> None:
    loaded = read(tmp_path, rotate={"every": "13h"}, broadcast={"title": "T", "thumbnail": "p.png"})
    (tmp_path / "token.json").unlink()
    where = "streams.s0.destinations.d.youtube"
    asked = "false, as it is not said; YouTube asks for an answer by who makes a broadcast: write true or false"
    assert doubts(loaded) == [
        f"{where}.rotate.every: 13h: of a broadcast that lasts more than 12h YouTube keeps no recording",
        f"{where}.broadcast.made_for_kids: {asked}",
        f"{where}.broadcast.thumbnail: {tmp_path / 'p.png'}: No such file or directory",
        "youtube.accounts.main.token_file: nobody has logged in: neverdark youtube login --account main",
    ]
    (tmp_path / "p.png").write_bytes(b"x" * 2_000_001)
    assert "has 2,000,001 bytes" in doubts(loaded)[2]


def test_an_account_that_nobody_uses_is_nothing_to_warn_of(tmp_path: Path) -> None:
    loaded = read(tmp_path, 0)
    (tmp_path / "token.json").unlink()
    assert doubts(loaded) == []
    assert list(needs(loaded.config)) == []
