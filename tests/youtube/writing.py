"""What a client may write of a broadcast, and what stands there if it does not. Pure."""

from __future__ import annotations

from typing import Any

from tests.youtube.clock import moment, stamp
from tests.youtube.errors import ApiError
from tests.youtube.model import Json

_PRIVACY = {"public", "unlisted", "private"}
_LATEST = 10 * 366 * 86_400.0

DETAILS: Json = {
    "monitorStream": {"enableMonitorStream": True, "broadcastStreamDelayMs": 0},
    "enableEmbed": True,
    "enableDvr": True,
    "recordFromStart": True,
    "enableContentEncryption": False,
    "startWithSlate": False,
    "enableAutoStart": False,
    "enableAutoStop": False,
    "enableClosedCaptions": False,
    "closedCaptionsType": "closedCaptionsDisabled",
    "projection": "rectangular",
    "enableLowLatency": False,
    "latencyPreference": "normal",
}


def part(body: Json, name: str) -> Json:
    """Of what was sent; empty where it was not. Raises ApiError where it is something else."""
    given = body.get(name, {})
    if not isinstance(given, dict):
        raise ApiError("badRequest", f"Invalid value at '{name}'")
    return given


def snippet(given: Json, earliest: float, before: Json | None = None) -> Json:
    """The whole part. `before`: what an update replaces; a start that stays as it was may be past. Raises ApiError."""
    title = given.get("title")
    if not title:
        raise ApiError("titleRequired")
    if not isinstance(title, str) or len(title) > 100 or "<" in title or ">" in title:
        raise ApiError("invalidTitle")
    description = given.get("description", "")
    if not isinstance(description, str) or len(description.encode()) > 5000:
        raise ApiError("invalidDescription")
    whole = {
        "title": title,
        "description": description,
        "scheduledStartTime": _start(given.get("scheduledStartTime"), earliest, before),
        "categoryId": given.get("categoryId", "22"),
    }
    if "scheduledEndTime" in given:
        whole["scheduledEndTime"] = given["scheduledEndTime"]
    return whole


def status(given: Json) -> Json:
    """The whole part. Raises ApiError."""
    privacy = given.get("privacyStatus")
    if not privacy:
        raise ApiError("privacyStatusRequired")
    if privacy not in _PRIVACY:
        raise ApiError("invalidPrivacyStatus")
    return {"privacyStatus": privacy, "selfDeclaredMadeForKids": bool(given.get("selfDeclaredMadeForKids", False))}


def details(given: Json, *, update: bool = False) -> Json:
    """The whole part. Raises ApiError: an update has to say what becomes of the monitor stream."""
    monitor = part(given, "monitorStream")
    if update:
        for name in ("enableMonitorStream", "broadcastStreamDelayMs"):
            if name not in monitor:
                raise ApiError(f"{name}Required")
    whole = DETAILS | {name: given[name] for name in DETAILS if name in given}
    whole["monitorStream"] = DETAILS["monitorStream"] | _known(monitor)
    if "latencyPreference" in given:
        whole["enableLowLatency"] = given["latencyPreference"] != "normal"
    return whole


def _known(monitor: Json) -> Json:
    return {name: monitor[name] for name in DETAILS["monitorStream"] if name in monitor}


def _start(given: Any, earliest: float, before: Json | None) -> str:
    if not given:
        raise ApiError("scheduledStartTimeRequired")
    try:
        at = moment(str(given))
    except ValueError as error:
        raise ApiError("invalidScheduledStartTime") from error
    written = stamp(at)
    if before and before["scheduledStartTime"] == written:
        return written
    if not earliest <= at <= earliest + _LATEST:
        raise ApiError("invalidScheduledStartTime")
    return written
