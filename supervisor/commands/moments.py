"""Moments as people write them: how far back, or a day, or a time. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from supervisor.model.quantities import parse_duration

EXPECTED = "expected how far back, such as 90m or 7d, or today, yesterday, 2026-12-24 or 2026-12-24T18:00"


def parse_since(text: str, now: datetime) -> datetime:
    """The moment that is meant, in the zone of `now`. Raises ValueError that says what was expected."""
    word = text.strip()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    match word.lower():
        case "today":
            return midnight
        case "yesterday":
            return midnight - timedelta(days=1)
    try:
        return now - timedelta(seconds=parse_duration(word))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        raise ValueError(EXPECTED) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
