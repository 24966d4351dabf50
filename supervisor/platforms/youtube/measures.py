"""What is known of a destination at YouTube, as values of metrics. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from supervisor.model.platforms import Measure
from supervisor.platforms.youtube.desk import NOT_LOOKED_AT, Desk, Standing
from supervisor.platforms.youtube.ledger import Ledger
from supervisor.platforms.youtube.model import (
    Broadcast,
    HealthStatus,
    IssueType,
    LifeCycle,
    Page,
    Privacy,
    StreamStatus,
)
from supervisor.platforms.youtube.tokens import State

_MOST_ISSUES = 8  # series of a destination
_STANDS_FOR = 90.0  # seconds of a state after the latest answer, where none comes any more: no alert is that quick
_KNOWN_FOR = 3  # polls, of an address
_ENDED = frozenset({LifeCycle.COMPLETE, LifeCycle.REVOKED})
_SHORTEST_POLL = 60.0  # where they are more frequent


def of_login(
    state: State, ledger: Ledger, requests: Mapping[tuple[str, str], int], *, good: bool, silent: float
) -> Iterable[Measure]:
    """Of a login; `requests` are the calls so far, by method and result, `silent` the seconds without an answer."""
    yield Measure("quota_used_units", ledger.used)
    yield Measure("quota_limit_units", ledger.quota.limit)
    yield Measure("token_valid", float(good))
    yield Measure("unanswered_seconds", silent)
    if state.expires is not None:
        yield Measure("token_expiry_timestamp_seconds", state.expires)
    for (method, result), count in sorted(requests.items()):
        yield Measure("api_requests_total", count, {"method": method, "result": result})


def _one_hot(name: str, label: str, words: Iterable[str], now: str | None) -> Iterable[Measure]:
    return (Measure(name, float(word == now), {label: str(word)}) for word in words)


def of_page(seen: Page, privacy: Privacy) -> Iterable[Measure]:
    """Of the public page. Unlisted and private broadcasts never stand there: that nothing does says nothing of them."""
    if seen is Page.UNKNOWN or privacy in {Privacy.UNLISTED, Privacy.PRIVATE}:
        return ()
    return (Measure("page_live", float(seen is Page.LIVE)),)


def of_desk(desk: Desk, wall: float) -> Iterable[Measure]:
    """Of a destination that is asked about."""
    standing = desk.standing
    if _is_known(desk, wall, _STANDS_FOR):
        yield from _known(standing, wall)
    if current := current_of(desk, wall):
        yield Measure("broadcast_info", 1.0, {"watch_url": current.watch_url})
    if desk.policy.rotate_every is not None:
        yield Measure("rotation_interval_seconds", desk.policy.rotate_every)
    yield Measure("inserts_total", standing.inserts)
    yield Measure("rotations_total", standing.rotations)
    yield Measure("exhausted", float(standing.stands_down))


def current_of(desk: Desk, wall: float) -> Broadcast | None:
    """What viewers have, or will have, under its address: nothing that has ended, and nothing that was so long ago."""
    one = desk.standing.broadcast
    lasts = _KNOWN_FOR * max(desk.policy.poll, _SHORTEST_POLL)
    return one if one and one.life_cycle not in _ENDED and _is_known(desk, wall, lasts) else None


def _is_known(desk: Desk, wall: float, lasts: float) -> bool:
    """What YouTube said long before it could not be asked any more is not what is so."""
    standing = desk.standing
    return bool(standing.at) and (standing.trouble not in NOT_LOOKED_AT or abs(wall - standing.at) < lasts)


def _known(standing: Standing, wall: float) -> Iterable[Measure]:
    stream, broadcast = standing.stream, standing.broadcast
    yield from _one_hot("stream_status", "status", StreamStatus, stream.status if stream else None)
    yield from _one_hot("health_status", "status", HealthStatus, stream.health if stream else None)
    yield from _one_hot("broadcast_state", "state", LifeCycle, broadcast.life_cycle if broadcast else None)
    issues = Counter((IssueType(one.kind), one.severity) for one in stream.issues) if stream else Counter()
    for (kind, severity), count in issues.most_common(_MOST_ISSUES):
        yield Measure("configuration_issues", count, {"type": str(kind), "severity": str(severity)})
    if broadcast and broadcast.life_cycle is LifeCycle.LIVE and broadcast.actual_start is not None:
        yield Measure("broadcast_age_seconds", max(0.0, wall - broadcast.actual_start))
