"""Our words for what the API tells are those of the official document."""

from __future__ import annotations

import pytest

from supervisor.platforms.youtube.model import HealthStatus, IssueType, LifeCycle, Severity, StreamStatus, Word
from tests.youtube import discovery


@pytest.mark.parametrize(
    ("words", "schema", "field"),
    [
        (IssueType, "LiveStreamConfigurationIssue", "type"),
        (Severity, "LiveStreamConfigurationIssue", "severity"),
        (HealthStatus, "LiveStreamHealthStatus", "status"),
        (StreamStatus, "LiveStreamStatus", "streamStatus"),
        (LifeCycle, "LiveBroadcastStatus", "lifeCycleStatus"),
    ],
)
def test_a_closed_set_is_that_of_the_document(words: type[Word], schema: str, field: str) -> None:
    theirs = set(discovery.document()["schemas"][schema]["properties"][field]["enum"])
    assert {str(word) for word in words} - {"unknown"} == {word for word in theirs if not word.endswith("Unspecified")}
