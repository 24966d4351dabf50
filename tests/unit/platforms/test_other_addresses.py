"""Where else a stream may be sent to, and for whom that is tried at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.platforms.youtube.addresses import another
from supervisor.platforms.youtube.made import Logins, places_of, sent_to

A, B = "rtmps://a.rtmps.youtube.com:443/live2", "rtmps://b.rtmps.youtube.com:443/live2?backup=1"
PLAIN_A, PLAIN_B = "rtmp://a.rtmp.youtube.com/live2", "rtmp://b.rtmp.youtube.com/live2?backup=1"
ALL = (A, B, PLAIN_A, PLAIN_B)


@pytest.mark.parametrize(
    ("configured", "told", "expected"),
    [
        (A, ALL, B),
        (B, ALL, A),
        ("rtmps://a.rtmps.youtube.com/live2/", ALL, B),
        (PLAIN_A, ALL, A),
        (PLAIN_B, ALL, A),
        (PLAIN_A, (PLAIN_A, PLAIN_B), PLAIN_B),
        (A, (PLAIN_A, PLAIN_B), ""),  # what is encrypted stays so
        (A, (A,), ""),
        (A, (), B),  # the API tells of none, but this is YouTube's
        (B, (), A),
        ("rtmp://127.0.0.1:1935/relay", (), ""),
        ("rtmp://127.0.0.1:1935/relay", ALL, A),
        ("rtmp://youtube.com.example.org/live2", (), ""),
        (A, ("javascript:alert(1)", "rtmps://[", "https://b/x", "rtmps://u:p@b/x", "rtmps://b/a b"), ""),
        ("", ALL, ""),
    ],
)
def test_another_address(configured: str, told: tuple[str, ...], expected: str) -> None:
    assert another(configured, told) == expected


CONFIG = """
youtube:
  accounts: {{main: {{client_id: 1-tv.apps, client_secret_file: {folder}/secret, token_file: {folder}/token}}}}
streams:
  cam:
    source: {{url: "lavfi:testsrc2"}}
    destinations:
      yt:
        {where}
        youtube: {{account: main, stream_id: AbCd}}
      {more}
"""


def sent(folder: Path, where: str, more: str = "") -> str:
    (folder / "secret").write_text("GOCSPX-made-up")
    (folder / "secret").chmod(0o600)
    file = folder / "neverdark.yml"
    file.write_text(CONFIG.format(folder=folder, where=where, more=more))
    (folder / "data").mkdir(exist_ok=True)
    login = Logins(folder / "data", lambda: 0.0, lambda: 0.0).follow([load(file).config])["main"]
    return login._sent["cam", "yt"].address


def test_it_is_tried_for_who_sends_alone_with_the_key(tmp_path: Path) -> None:
    where = f"url: {A}\n        key: abcd-efgh"
    assert sent(tmp_path, where) == A
    assert sent(tmp_path, "url: rtmp://a.rtmp.youtube.com/live2/abcd-efgh") == PLAIN_A, "and the key is not in it"
    assert sent(tmp_path, "url: rtmp://user:pass@relay/live2/abcd-efgh") == ""
    twice = f"other: {{url: '{B}', key: abcd-efgh, required: false}}"
    assert sent(tmp_path, where, twice) == "", "two must never publish at one address"
    assert sent(tmp_path, where, twice.replace("abcd", "wxyz")) == A
    pair = f"second: {{url: '{B}', key: abcd-efgh, role: backup}}"
    assert sent(tmp_path, f"{where}\n        role: primary", pair) == "", "the backup is at the other one already"


def test_without_keys_that_are_known_nobody_is_sent_elsewhere(tmp_path: Path) -> None:
    sent(tmp_path, f"url: {A}\n        key: abcd-efgh")
    config = load(tmp_path / "neverdark.yml").config
    ((place, _),) = places_of(config)
    assert sent_to(config, place).address == ""
