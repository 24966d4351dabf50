"""What the checks find in what YouTube says of a destination. Pure.

What it says is compared as words of a closed set, never as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from supervisor.model.platforms import Opinion
from supervisor.model.terms import Check, Trouble, Verdict
from supervisor.platforms.youtube.desk import Standing
from supervisor.platforms.youtube.model import HealthStatus, Page, Privacy, Severity
from supervisor.platforms.youtube.saying import of_reason
from supervisor.platforms.youtube.steps import Trouble as Seen

NOT_LIVE_FOR: Final = 300.0  # seconds for which the page must have said so
COMES_UP_IN: Final = 120.0  # seconds in which a broadcast is brought up, as a rule
_WRONG_KEY = "the key does not lead to this stream_id, but to another stream: neverdark youtube streams tells to which"
_NO_STREAM = "the login's channel has no stream with this stream_id: neverdark youtube streams lists those that it has"
_WITHOUT = "without any YouTube may not take it"
_UNKNOWN = Opinion(Verdict.UNKNOWN)
_HEALTHY = Opinion(Verdict.HEALTHY)
_SAID: Final[Mapping[Seen, str]] = {
    Seen.NOT_LIVE_YET: "the broadcast is not live yet",
    Seen.STUCK: "the broadcast does not get any further",
    Seen.ENDED: "the broadcast has ended",
    Seen.ABSENT: "there is no broadcast",
    Seen.REVOKED: "YouTube has revoked the broadcast: look into YouTube Studio",
    Seen.NOT_OURS: "a broadcast that neverdark did not make is live on this stream",
    Seen.SEVERAL: "somebody else's broadcast is on this stream, too",
    Seen.NOT_PERMITTED: "YouTube does not permit it: look into YouTube Studio, whether the channel may go live",
    Seen.TOO_MANY: "no more broadcasts can be made for now: end one in YouTube Studio, or start one there",
    Seen.WRONG_CHANNEL: "the login is of another channel than the configuration names: nothing is changed there",
    Seen.CONFLICT: "another neverdark has just made a broadcast for this stream: only one may manage it",
    Seen.MEMORY_LOST: (
        "a new broadcast is needed, but which ones neverdark made is not known any more: start one in YouTube Studio "
        "(with adopt: true it is looked after), or remove youtube-broadcasts.json* from the data_dir to begin anew"
    ),
    Seen.NOT_MANAGED: "dismiss the message in YouTube Studio and start a new broadcast: broadcast.manage is off",
}
_CAUSES: Final[Mapping[Seen, Trouble]] = {
    Seen.NOT_LIVE_YET: Trouble.BROADCAST_NOT_LIVE,
    Seen.STUCK: Trouble.BROADCAST_NOT_LIVE,
    Seen.ENDED: Trouble.BROADCAST_ENDED,
    Seen.ABSENT: Trouble.BROADCAST_ENDED,
    Seen.TOO_MANY: Trouble.BROADCAST_ENDED,
    Seen.NOT_MANAGED: Trouble.BROADCAST_ENDED,
    Seen.CONFLICT: Trouble.BROADCAST_ENDED,
    Seen.MEMORY_LOST: Trouble.BROADCAST_ENDED,
    Seen.REVOKED: Trouble.BROADCAST_REFUSED,
    Seen.NOT_PERMITTED: Trouble.BROADCAST_REFUSED,
}


class Sound(Enum):
    """Whether there is any in what is sent; the value says what is to be told of it."""

    SENT = ""
    NOT_WANTED = f": it has no sound (audio: {{source: none}}), and {_WITHOUT}"
    LOST = f": no sound leaves beside its picture (does the source bring any?), and {_WITHOUT}"


def of_stream(standing: Standing, sound: Sound = Sound.SENT) -> Opinion:
    """Whether the ingest receives what is sent, and is content with it."""
    stream, trouble = standing.stream, standing.trouble
    if trouble is Seen.NO_STREAM:
        return Opinion(Verdict.UNHEALTHY, Trouble.NOT_RECEIVED, _NO_STREAM)
    if stream is None or trouble in {Seen.NOT_READ, Seen.NOT_SENDING, Seen.WRONG_CHANNEL}:
        return _UNKNOWN
    if trouble is Seen.WRONG_KEY:
        return Opinion(Verdict.UNHEALTHY, Trouble.KEY_OF_ANOTHER, _WRONG_KEY)
    if trouble is Seen.STREAM_INACTIVE:
        said = f"the stream is {stream.status}, though we send{sound.value}"
        verdict = Verdict.UNHEALTHY if standing.unreceived else Verdict.DEGRADED  # it takes them seconds to see a start
        return Opinion(verdict, Trouble.NOT_RECEIVED, said)
    issues = [issue for issue in stream.issues if issue.severity in {Severity.WARNING, Severity.ERROR}]
    said = ", ".join(dict.fromkeys(f"{issue.kind} ({issue.severity})" for issue in issues))
    if stream.health is HealthStatus.BAD:
        return Opinion(Verdict.UNHEALTHY, Trouble.NOT_WELL_RECEIVED, said or "its health is bad")
    return Opinion(Verdict.DEGRADED, said=said) if issues else _HEALTHY


def of_broadcast(standing: Standing, lasted: float, *, sends: bool = True, not_followed: str = "") -> Opinion:
    """Whether viewers have a broadcast that is live; `lasted` are the seconds since its trouble was first seen.

    `not_followed`: why the one that should have taken its place did not.
    """
    trouble, said = standing.trouble, _SAID.get(standing.trouble, "")
    if trouble in {Seen.NOT_READ, Seen.NOT_SENDING, Seen.STREAM_INACTIVE, Seen.WRONG_KEY, Seen.NO_STREAM}:
        return _UNKNOWN
    if trouble in {Seen.NOT_OURS, Seen.SEVERAL, Seen.WRONG_CHANNEL}:
        return Opinion(Verdict.DEGRADED, said=said)
    if standing.reason:
        said = f"YouTube does not let neverdark look: {of_reason(standing.reason)}"
        return Opinion(Verdict.UNHEALTHY, Trouble.BROADCAST_REFUSED, said) if sends else _UNKNOWN
    cause = _CAUSES.get(trouble)
    if cause is None:
        return Opinion(Verdict.DEGRADED, said=not_followed) if not_followed else _HEALTHY
    soon = cause is Trouble.BROADCAST_NOT_LIVE and lasted < COMES_UP_IN
    return Opinion(Verdict.DEGRADED if soon else Verdict.UNHEALTHY, cause, said)


def of_page(page: Page, lasted: float, *, sends: bool, privacy: Privacy = Privacy.PUBLIC) -> Opinion:
    """What a stranger sees; `lasted` are the seconds for which it has been so. Only advice: it leads to no action."""
    if page is Page.UNKNOWN or privacy in {Privacy.UNLISTED, Privacy.PRIVATE}:
        return _UNKNOWN
    if page is Page.LIVE:
        return _HEALTHY
    if not sends:
        return _UNKNOWN
    said = "the public page shows nothing live: dismiss the message in YouTube Studio, and start a new broadcast"
    if lasted < NOT_LIVE_FOR:
        return Opinion(Verdict.DEGRADED, said="the public page shows nothing live")
    return Opinion(Verdict.UNHEALTHY, Trouble.PAGE_NOT_LIVE, said)


def opinions(stream: Opinion | None, broadcast: Opinion | None, page: Opinion | None) -> Mapping[Check, Opinion]:
    """Those that apply."""
    found = {Check.YOUTUBE_PAGE: page, Check.YOUTUBE_STREAM: stream, Check.YOUTUBE_BROADCAST: broadcast}
    return {check: opinion for check, opinion in found.items() if opinion is not None}
