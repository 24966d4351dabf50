"""What the fake does by itself, and what the contract does not know for sure. May be changed while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.youtube.model import State

DAY = 86_400.0


@dataclass
class Rules:
    """Seconds are those of the fake's clock."""

    # Broadcasts
    test_starting: float = 0.0  # how long testStarting lasts
    live_starting: float = 0.0
    stuck: set[State] = field(default_factory=set)  # who is in one of these stays there
    auto_stop_after: float = 60.0  # after the last byte
    auto_start_after: float = 0.0  # after the stream has become active
    auto_start_on_active: bool = False  # also for a broadcast that is bound to a stream that is active already
    unwritten: tuple[int, str] = (403, "invalidTransition")  # created → testing, live; *Starting → complete
    complete_again: str = "redundantTransition"  # complete → complete: two rows of the contract fit
    active_states: frozenset[State] = frozenset({State.LIVE_STARTING, State.LIVE, State.TEST_STARTING, State.TESTING})
    concurrent_limit: int = 12  # broadcasts of a channel that are live at once
    shared_ingestion_limit: int = 12  # of them on one stream
    broadcasts_limit: int = 100  # that are upcoming
    inserts_a_day: int = 1000  # more: userRequestsExceedRateLimit until midnight Pacific
    # What lists show is so old
    list_lag: float = 0.0
    video_lag: float = 0.0
    page_lag: float = 0.0
    # Ingest
    active_after: float = 0.0  # from the first byte
    inactive_after: float = 0.0  # from the last one
    # Quota
    quota_limit: int = 10_000
    read_units: int = 1
    write_units: int = 50
    units: Mapping[str, int] = field(default_factory=dict)  # of single methods: {"thumbnails.set": 50}
    # Login
    access_lasts: float = 3599.0
    refresh_lasts: float | None = None  # 7 days for a project in testing
    new_refresh_token: bool = False  # comes with each refresh, and the old one goes on working
    device_lasts: float = 1800.0
    device_interval: int = 5
    pending_code: int = 428
    slow_down_code: int = 403
    denied_code: int = 403

    def cost(self, method: str) -> int:
        """Units of a call, of one that is refused, too."""
        read = method.endswith(".list")
        return self.units.get(method, self.read_units if read else self.write_units)
