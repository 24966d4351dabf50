"""The logins that a configuration asks for: which stay, and what outlives those that do not."""

from __future__ import annotations

from pathlib import Path

from supervisor.config.shape import Config
from supervisor.model.platforms import LoginState, PlatformState
from supervisor.platforms.youtube.made import Logins
from tests.youtube.fake import FakeYouTube
from tests.youtube.oauth import TV


def _config(tmp_path: Path, fake: FakeYouTube, limit: int) -> Config:
    secret = tmp_path / "secret"
    secret.write_text(TV.client_secret)
    secret.chmod(0o600)
    account = {
        "client_id": TV.client_id,
        "client_secret_file": str(secret),
        "token_file": str(tmp_path / "token"),
        "quota": {"limit": limit},
        **fake.urls,
    }
    place = {
        "url": "rtmp://127.0.0.1/live",
        "key": "key",
        "youtube": {"account": "main", "stream_id": "s", "broadcast": {"title": "t"}},
    }
    source = {"url": "testsrc", "format": "lavfi"}
    tree = {
        "data_dir": str(tmp_path),
        "youtube": {"accounts": {"main": account}},
        "streams": {"cam": {"source": source, "destinations": {"youtube": place}}},
    }
    return Config.model_validate(tree)


def _counts(measures: LoginState | PlatformState, name: str) -> list[float]:
    return [one.value for one in measures.measures if one.name == name]


def test_counters_do_not_fall_when_a_login_is_made_anew(tmp_path: Path) -> None:
    with FakeYouTube() as fake:
        logins = Logins(tmp_path, fake.clock.now, fake.clock.now)
        first = logins.follow([_config(tmp_path, fake, 10_000)])["main"]
        assert logins.follow([_config(tmp_path, fake, 10_000)])["main"] is first, "nothing has changed"
        first.look({})
        before = first.login()
        assert before is not None
        asked = _counts(before, "api_requests_total")
        assert sum(asked) > 0
        first._desks[0].tally.inserts += 1
        second = logins.follow([_config(tmp_path, fake, 9_000)])["main"]
        assert second is not first
        after = second.login()
        assert after is not None
        assert _counts(after, "api_requests_total") == asked
        assert _counts(second.states()[0], "inserts_total") == [1]
        assert _counts(after, "quota_limit_units") == [9_000]
