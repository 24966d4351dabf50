"""The API's JSON as values of `model`. Pure. What has another shape than documented reads as unknown, never as good."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from supervisor.platforms.youtube.model import (
    Broadcast,
    HealthStatus,
    Issue,
    LifeCycle,
    LiveStream,
    Privacy,
    Severity,
    StreamStatus,
)

_LONGEST: Final = 10_000
_MOST_ISSUES: Final = 50
_LISTED: Final = frozenset({"livebroadcast", "livestream", "channel"})


def broadcast_of(item: Mapping[str, Any]) -> Broadcast | None:
    """A liveBroadcast; None without an id."""
    if not (found := text(item.get("id"))):
        return None
    snippet, status, details = (section(item.get(key)) for key in ("snippet", "status", "contentDetails"))
    monitor = section(details.get("monitorStream")).get("enableMonitorStream")
    return Broadcast(
        found,
        LifeCycle(text(status.get("lifeCycleStatus"))),
        text(details.get("boundStreamId")) or None,
        text(snippet.get("title")),
        text(snippet.get("description")),
        Privacy(text(status.get("privacyStatus"))),
        moment(snippet.get("scheduledStartTime")),
        moment(snippet.get("actualStartTime")),
        details.get("enableAutoStart") is True,
        details.get("enableAutoStop") is True,
        monitor is not False,
        moment(snippet.get("actualEndTime")),
    )


def stream_of(item: Mapping[str, Any]) -> LiveStream | None:
    """A liveStream; None without an id."""
    if not (found := text(item.get("id"))):
        return None
    status = section(item.get("status"))
    health = section(status.get("healthStatus"))
    issues = tuple(_issues(health.get("configurationIssues")))
    return LiveStream(
        found, StreamStatus(text(status.get("streamStatus"))), HealthStatus(text(health.get("status"))), issues
    )


def items_of(tree: Mapping[str, Any], resource: str) -> list[Mapping[str, Any]] | None:
    """The items of a list of `liveBroadcasts`, …; None if it is none, or one of them is not what it should be.

    That something is not there leads to a new broadcast, so it is believed of a list that is well-formed alone. One
    without any items may leave the key out, if it says that it is a list; one with them need not say.
    """
    kind = text(tree.get("kind")).partition("#")[2].lower()
    of = kind.removesuffix("listresponse").removesuffix("s")
    if of in _LISTED and of != resource.removesuffix("s").lower():
        return None
    items = tree.get("items", [] if kind.endswith("listresponse") else None)
    if not isinstance(items, list) or not all(isinstance(item, dict) and text(item.get("id")) for item in items):
        return None
    return items


def _issues(rows: object) -> Iterator[Issue]:
    for row in rows[:_MOST_ISSUES] if isinstance(rows, list) else ():
        if isinstance(row, dict) and (kind := text(row.get("type"))):
            yield Issue(kind, Severity(text(row.get("severity"))), text(row.get("reason")))


def moment(value: object) -> float | None:
    """Seconds since 1970 of `2026-11-27T08:00:00Z`."""
    try:
        found = datetime.fromisoformat(text(value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def written_moment(at: float) -> str:
    """The same the other way round; whole seconds."""
    return datetime.fromtimestamp(int(at), UTC).isoformat().replace("+00:00", "Z")


def text(value: object) -> str:
    """Text of a bounded length; empty for anything else."""
    return value[:_LONGEST] if isinstance(value, str) else ""


def section(value: object) -> Mapping[str, Any]:
    """Keys and values; none for anything else."""
    return value if isinstance(value, dict) else {}
