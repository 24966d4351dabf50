"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from supervisor.commands.moments import EXPECTED, parse_since

ZONE = timezone(timedelta(hours=2))
NOW = datetime(2026, 11, 27, 7, 30, 15, 5, ZONE)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("90m", datetime(2026, 11, 27, 6, 0, 15, 5, ZONE)),
        ("7d", datetime(2026, 11, 20, 7, 30, 15, 5, ZONE)),
        ("today", datetime(2026, 11, 27, tzinfo=ZONE)),
        (" Yesterday ", datetime(2026, 11, 26, tzinfo=ZONE)),
        ("2026-10-01", datetime(2026, 10, 1, tzinfo=ZONE)),
        ("2026-10-01T18:00", datetime(2026, 10, 1, 18, tzinfo=ZONE)),
        ("2026-10-01T18:00:00Z", datetime(2026, 10, 1, 18, tzinfo=UTC)),
    ],
)
def test_what_is_meant(written: str, meant: datetime) -> None:
    assert parse_since(written, NOW) == meant


@pytest.mark.parametrize("written", ["", "last week", "2026-13-01", "-1h", "18:00"])
def test_what_is_not_understood(written: str) -> None:
    with pytest.raises(ValueError, match="expected how far back") as error:
        parse_since(written, NOW)
    assert str(error.value) == EXPECTED
