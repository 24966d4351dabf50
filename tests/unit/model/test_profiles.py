"""Platforms by their hosts, and bit rates by the size of the picture."""

from __future__ import annotations

import pytest

from supervisor.model.profiles import PLATFORMS, platform_of

M = 1_000_000


@pytest.mark.parametrize(
    ("host", "platform"),
    [
        ("a.rtmp.youtube.com", "youtube"),
        ("B.RTMPS.YouTube.com.", "youtube"),
        ("live.twitch.tv", "twitch"),
        ("fra02.contribute.live-video.net", None),
        ("ingest.global-contribute.live-video.net", "twitch"),
        ("live-api-s.facebook.com", "facebook"),
        ("notyoutube.com", None),
        ("youtube.com.example", None),
        ("127.0.0.1", None),
        ("", None),
    ],
)
def test_whose_host_it_is(host: str, platform: str | None) -> None:
    assert platform_of(host) == platform
    assert platform is None or PLATFORMS[platform].name == platform


@pytest.mark.parametrize(
    ("height", "rate", "bounds"),
    [
        (1080, 30.0, (3 * M, 10 * M)),
        (1080, 29.97, (3 * M, 10 * M)),
        (1080, 60.0, (4 * M, 12 * M)),
        (1080, None, (3 * M, 12 * M)),
        (1079, 30.0, (1_500_000, 10 * M)),
        (720, 50.0, (2_250_000, 8 * M)),
        (480, 60.0, (500_000, 8 * M)),
        (180, 25.0, (300_000, 8 * M)),
        (4320, 30.0, (8 * M, 35 * M)),
        (None, 30.0, (None, None)),
    ],
)
def test_bit_rates_by_height(height: int | None, rate: float | None, bounds: tuple[int | None, int | None]) -> None:
    assert PLATFORMS["youtube"].bounds(height, rate) == bounds


def test_own_bit_rates_count_more() -> None:
    own = PLATFORMS["youtube"]._replace(bit_rate_least=1, bit_rate_most=99 * M)
    assert own.bounds(1080, 30.0) == own.bounds(None, None) == (1, 99 * M)
    assert PLATFORMS["twitch"].bounds(1080, 60.0) == (None, 6 * M)


@pytest.mark.parametrize("profile", PLATFORMS.values(), ids=PLATFORMS)
def test_rows_stand_from_high_to_low_and_leave_room(profile: object) -> None:
    rows = getattr(profile, "bit_rates")  # noqa: B009
    assert [(row.height, row.fast) for row in rows] == sorted(((row.height, row.fast) for row in rows), reverse=True)
    assert all(row.least < row.most for row in rows)
