"""What went wrong with a call to Google, as one of a closed set of kinds. Pure.

By the `reason` in the answer first, then by its HTTP status: several reasons share 403. Of what a server writes nothing
is repeated but the reason, and that only if it is one plain word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)


class Kind(StrEnum):
    """What a failed call means for whoever made it."""

    TOKEN = "token"  # noqa: S105 - the login is refused, or there is none: a person must consent again
    QUOTA = "quota"  # no unit is left today
    RATE = "rate"  # too many calls in a short time; `retry_after` if the server said so
    INSERTS = "inserts"  # no new broadcast for now; all other calls go on
    STREAM_INACTIVE = "stream_inactive"  # the ingest gets nothing, so the broadcast cannot go on air
    TRANSITION = "transition"  # not from the state that it is in: read again
    REDUNDANT = "redundant"  # it is so already, or about to be: a success
    STATE = "state"  # not in the state that it is in (bind, delete, update): read again
    PERMISSION = "permission"  # the channel or the login may not do this, and no later try will change it
    NOT_FOUND = "not_found"
    LIMIT = "limit"  # the channel has as many broadcasts as it may have
    REQUEST = "request"  # the call itself was wrong
    SERVER = "server"  # 5xx
    NETWORK = "network"  # no answer
    UNREADABLE = "unreadable"  # an answer that is none of the API's


_REASONS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("authError", "invalidCredentials", "unauthorized"), Kind.TOKEN),
    **dict.fromkeys(("quotaExceeded", "dailyLimitExceeded"), Kind.QUOTA),
    **dict.fromkeys(
        ("rateLimitExceeded", "userRateLimitExceeded", "userRequestsExceedRateLimit", "uploadRateLimitExceeded"),
        Kind.RATE,
    ),
    **dict.fromkeys(("errorStreamInactive", "streamInactive"), Kind.STREAM_INACTIVE),
    "invalidTransition": Kind.TRANSITION,
    "redundantTransition": Kind.REDUNDANT,
    **dict.fromkeys(
        ("liveBroadcastBindingNotAllowed", "liveBroadcastDeletionNotAllowed", "modificationNotAllowed"), Kind.STATE
    ),
    **dict.fromkeys(
        (
            *("livePermissionBlocked", "liveStreamingNotEnabled", "insufficientLivePermissions"),
            *("insufficientPermissions", "accessNotConfigured", "youtubeSignupRequired", "forbidden"),
            *("channelClosed", "channelSuspended", "accountSuspended"),
        ),
        Kind.PERMISSION,
    ),
    **dict.fromkeys(
        ("liveBroadcastNotFound", "liveStreamNotFound", "videoNotFound", "channelNotFound", "notFound"), Kind.NOT_FOUND
    ),
    **dict.fromkeys(
        ("userBroadcastsExceedLimit", "concurrentBroadcastsExceedLimit", "sharedIngestionBroadcastsExceedLimit"),
        Kind.LIMIT,
    ),
    **dict.fromkeys(("errorExecutingTransition", "backendError", "internalError"), Kind.SERVER),
}
_STATUS: Final[Mapping[int, Kind]] = {
    401: Kind.TOKEN,
    403: Kind.PERMISSION,
    404: Kind.NOT_FOUND,
    408: Kind.NETWORK,
    429: Kind.RATE,
}
_RATE_OF_INSERTS: Final = "userRequestsExceedRateLimit"


class YoutubeError(Exception):
    """A call that did not succeed.

    `reason` is the API's own word, or empty; `status` that of HTTP, 0 without an answer; `retry_after` in seconds.
    """

    def __init__(self, kind: Kind, reason: str = "", status: int = 0, retry_after: float | None = None) -> None:
        self.kind = kind
        self.reason = reason
        self.status = status
        self.retry_after = retry_after
        super().__init__(" ".join(filter(None, [str(kind), reason, str(status) if status else ""])))


class Unsure(YoutubeError):  # noqa: N818 - it names the state
    """A write whose answer is lost: it may have been done or not. Look before it is made again."""


def classified(status: int, body: bytes, retry_after: float | None = None, *, insert: bool = False) -> YoutubeError:
    """The error that an answer tells of. `insert`: it answers a call that makes a broadcast."""
    reason = reason_of(body)
    kind = _REASONS.get(reason) or _STATUS.get(status)
    if kind is None:
        kind = Kind.SERVER if status >= 500 else Kind.REQUEST if 400 <= status < 500 else Kind.UNREADABLE  # noqa: PLR2004
    if insert and reason == _RATE_OF_INSERTS:
        kind = Kind.INSERTS
    return YoutubeError(kind, reason, status, retry_after)


def reason_of(body: bytes) -> str:
    """The API's reason; for an answer of OAuth its `error`; empty if there is none of a known shape."""
    error = (read_object(body) or {}).get("error")
    if isinstance(error, str):
        return _plain(error)
    errors = error.get("errors") if isinstance(error, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    return _plain(first.get("reason")) if isinstance(first, dict) else ""


def read_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object that an answer is; None if it is anything else."""
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) else None


def _plain(word: object) -> str:
    return word if isinstance(word, str) and _WORD.fullmatch(word) else ""
