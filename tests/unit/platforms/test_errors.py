"""What an error of Google's means: by its reason first, then by its status."""

from __future__ import annotations

import json

import pytest

from supervisor.platforms.youtube.errors import Kind, classified, reason_of


def body(reason: object) -> bytes:
    return json.dumps({"error": {"code": 403, "errors": [{"reason": reason, "domain": "d", "message": "m"}]}}).encode()


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (401, "authError", Kind.TOKEN),
        (403, "authError", Kind.TOKEN),
        (403, "quotaExceeded", Kind.QUOTA),
        (403, "dailyLimitExceeded", Kind.QUOTA),
        (403, "rateLimitExceeded", Kind.RATE),
        (403, "userRequestsExceedRateLimit", Kind.RATE),
        (429, "anything", Kind.RATE),
        (403, "errorStreamInactive", Kind.STREAM_INACTIVE),
        (400, "errorStreamInactive", Kind.STREAM_INACTIVE),
        (403, "invalidTransition", Kind.TRANSITION),
        (400, "invalidTransition", Kind.TRANSITION),
        (403, "redundantTransition", Kind.REDUNDANT),
        (403, "liveBroadcastBindingNotAllowed", Kind.STATE),
        (403, "liveBroadcastDeletionNotAllowed", Kind.STATE),
        (403, "livePermissionBlocked", Kind.PERMISSION),
        (403, "liveStreamingNotEnabled", Kind.PERMISSION),
        (403, "insufficientLivePermissions", Kind.PERMISSION),
        (403, "somethingNew", Kind.PERMISSION),
        (404, "liveBroadcastNotFound", Kind.NOT_FOUND),
        (403, "liveStreamNotFound", Kind.NOT_FOUND),
        (403, "userBroadcastsExceedLimit", Kind.LIMIT),
        (403, "concurrentBroadcastsExceedLimit", Kind.LIMIT),
        (403, "sharedIngestionBroadcastsExceedLimit", Kind.LIMIT),
        (500, "errorExecutingTransition", Kind.SERVER),
        (502, "whatever", Kind.SERVER),
        (400, "invalidScheduledStartTime", Kind.REQUEST),
        (302, "", Kind.UNREADABLE),
    ],
)
def test_kinds(status: int, reason: str, kind: Kind) -> None:
    found = classified(status, body(reason))
    assert (found.kind, found.reason, found.status) == (kind, reason, status)


def test_too_many_new_broadcasts_stop_inserts_alone() -> None:
    assert classified(403, body("userRequestsExceedRateLimit"), insert=True).kind is Kind.INSERTS
    assert classified(403, body("rateLimitExceeded"), insert=True).kind is Kind.RATE


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>",
        b"[]",
        b"7",
        b'{"error": 7}',
        b'{"error": {"errors": {}}}',
        b'{"error": {"errors": []}}',
        b'{"error": {"errors": [7]}}',
        b'{"error": {"errors": [{"reason": ["x"]}]}}',
        b'{"error": {"errors": [{"reason": "two words \\u001b[31m"}]}}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_body_of_another_shape_says_nothing(text: bytes) -> None:
    assert reason_of(text) == ""
    assert classified(503, text).kind is Kind.SERVER


def test_the_words_of_a_login() -> None:
    assert reason_of(b'{"error": "invalid_grant", "error_description": "x"}') == "invalid_grant"
