"""What Google refuses, and until when, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from supervisor.platforms.youtube.errors import Kind, YoutubeError
from supervisor.platforms.youtube.ledger import KEPT, Ledger

_WORDS: Final[Mapping[str, str]] = {
    "access_denied": "the login was declined",
    "expired_token": "nobody has logged in in time",
    "invalid_client": "Google does not know this client: are client_id and client_secret_file those of one client?",
    "invalid_grant": "the login was revoked, or has expired (after 7 days while the project is in testing)",
    "invalid_scope": "Google does not let this client manage YouTube: is it of type TVs and Limited Input devices?",
    "no_login": "nobody has logged in",
    "no_refresh_token": "Google gave no lasting login: end neverdark's access in the Google account, then log in again",
    "other_client": "the login is of another client than that of the configuration",
    "unauthorized_client": "this client is of another type: TV without --loopback, Desktop with it",
    "unreadable_file": "the token_file is not one that neverdark youtube login writes, or may not be read",
    "closed": "no quota is left today",
    "kept": "no quota is left today",
    "quotaExceeded": "no quota is left today",
    "dailyLimitExceeded": "no quota is left today",
    "accessNotConfigured": "the project has not enabled the YouTube Data API v3",
    "liveStreamingNotEnabled": "live streaming is not enabled for this channel",
    "livePermissionBlocked": "YouTube has blocked live streaming for this channel",
    "insufficientLivePermissions": "this login may not manage the channel's live streams",
    "insufficientPermissions": "this login may not manage YouTube: log in again, and allow it",
    "youtubeSignupRequired": "this Google account has no channel",
    "channelClosed": "the channel is closed",
    "channelSuspended": "the channel is suspended",
    "accountSuspended": "the Google account is suspended",
}
_KINDS: Final[Mapping[Kind, str]] = {
    Kind.NETWORK: "Google does not answer",
    Kind.SERVER: "Google is in trouble; try again later",
    Kind.RATE: "too many attempts in a short time; try again later",
    Kind.UNREADABLE: "an answer came that is none of Google's: is there something between?",
    Kind.TOKEN: "the login is refused",
    Kind.QUOTA: "no quota is left today",
}


def said(error: YoutubeError) -> str:
    """An error in words that tell what to do."""
    return _WORDS.get(error.reason) or _KINDS.get(error.kind) or f"Google refuses: {error.reason or error.kind}"


def of_reason(reason: str) -> str:
    """What Google says by this word."""
    return _WORDS.get(reason, reason)


def moment(at: float) -> str:
    """A time of day as this machine's clock shows it, `08:00 CET`; `at` is seconds since 1970."""
    return f"{datetime.fromtimestamp(at).astimezone():%H:%M %Z}"


def unasked(error: YoutubeError, ledger: Ledger) -> str:
    """Why YouTube is not asked now. For a quota: until when that is so."""
    if error.kind is not Kind.QUOTA:
        return said(error)
    if error.reason == KEPT and ledger.used < ledger.quota.limit:
        return f"what is left of today's quota is for repairs, until {moment(ledger.new_at)}"
    return f"no quota is left until {moment(ledger.new_at)}"
