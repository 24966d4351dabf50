"""How the API says no: the documented body, by reason."""

from __future__ import annotations

from typing import NamedTuple

from tests.youtube.model import Json


class _Kind(NamedTuple):
    code: int
    domain: str
    message: str


_BROADCAST = "youtube.liveBroadcast"
_STREAM = "youtube.liveStream"
_COMMON = "youtube.common"
_PARAMETER = "youtube.parameter"

KINDS = {
    # the request itself
    "missingRequiredParameter": _Kind(400, _PARAMETER, "No filter selected"),
    "incompatibleParameters": _Kind(400, _PARAMETER, "Incompatible parameters specified in the request"),
    "invalidPageToken": _Kind(400, _PARAMETER, "Invalid page token"),
    "invalidFilters": _Kind(400, _PARAMETER, "The filters are not valid"),
    "unknownPart": _Kind(400, "youtube.part", "Unknown part"),
    "required": _Kind(400, "global", "Required parameter"),
    "invalidParameter": _Kind(400, "global", "Invalid parameter value"),
    "badRequest": _Kind(400, "global", "Bad Request"),
    "parseError": _Kind(400, "global", "Parse Error"),
    "notFound": _Kind(404, "global", "Not Found"),
    # who asks
    "authError": _Kind(401, "global", "Invalid Credentials"),
    "insufficientPermissions": _Kind(403, "global", "Insufficient Permission"),
    "quotaExceeded": _Kind(403, "youtube.quota", "You have exceeded your quota."),
    "rateLimitExceeded": _Kind(429, "youtube.quota", "Too many requests"),
    "backendError": _Kind(500, "global", "Backend Error"),
    "internalError": _Kind(500, "global", "Internal error encountered."),
    "SERVICE_UNAVAILABLE": _Kind(503, "youtube.CoreErrorDomain", "The service is currently unavailable."),
    # live
    "titleRequired": _Kind(400, _BROADCAST, "Title is required"),
    "scheduledStartTimeRequired": _Kind(400, _BROADCAST, "Scheduled start time is required"),
    "privacyStatusRequired": _Kind(400, _BROADCAST, "Privacy status is required"),
    "idRequired": _Kind(400, _BROADCAST, "Id is required"),
    "enableMonitorStreamRequired": _Kind(400, _BROADCAST, "Enable monitor stream is required"),
    "broadcastStreamDelayMsRequired": _Kind(400, _BROADCAST, "Broadcast stream delay is required"),
    "invalidTitle": _Kind(400, _BROADCAST, "Invalid title"),
    "invalidDescription": _Kind(400, _BROADCAST, "Invalid description"),
    "invalidScheduledStartTime": _Kind(400, _BROADCAST, "Scheduled start time must be in the future and close enough"),
    "invalidPrivacyStatus": _Kind(400, _BROADCAST, "Invalid privacy status"),
    "modificationNotAllowed": _Kind(403, _BROADCAST, "Modification not allowed in this state"),
    "invalidTransition": _Kind(403, _BROADCAST, "Invalid transition"),
    "redundantTransition": _Kind(403, _BROADCAST, "Redundant transition"),
    "errorStreamInactive": _Kind(403, _BROADCAST, "Stream is inactive"),
    "errorExecutingTransition": _Kind(500, _BROADCAST, "An error occurred while changing the broadcast's status"),
    "liveBroadcastBindingNotAllowed": _Kind(403, _BROADCAST, "Live broadcast binding not allowed"),
    "liveBroadcastDeletionNotAllowed": _Kind(403, _BROADCAST, "Live broadcast deletion not allowed"),
    "liveBroadcastNotFound": _Kind(404, _BROADCAST, "Broadcast not found"),
    "liveStreamNotFound": _Kind(404, _STREAM, "Stream not found"),
    "liveStreamingNotEnabled": _Kind(403, _BROADCAST, "The user is not enabled for live streaming."),
    "livePermissionBlocked": _Kind(403, _BROADCAST, "The user is blocked from live streaming."),
    "insufficientLivePermissions": _Kind(403, _BROADCAST, "The request is not authorized to do this."),
    "userBroadcastsExceedLimit": _Kind(403, _BROADCAST, "The user has created too many live or scheduled broadcasts."),
    "concurrentBroadcastsExceedLimit": _Kind(403, _BROADCAST, "Too many concurrent broadcasts."),
    "sharedIngestionBroadcastsExceedLimit": _Kind(403, _BROADCAST, "Too many broadcasts on one stream."),
    "userRequestsExceedRateLimit": _Kind(403, _BROADCAST, "The user has sent too many requests in a given timeframe."),
    "frameRateRequired": _Kind(400, _STREAM, "Frame rate is required"),
    "ingestionTypeRequired": _Kind(400, _STREAM, "Ingestion type is required"),
    "resolutionRequired": _Kind(400, _STREAM, "Resolution is required"),
    # videos, thumbnails
    "videoNotFound": _Kind(404, _COMMON, "The video that you are trying to reach cannot be found."),
    "mediaBodyRequired": _Kind(400, _COMMON, "The request does not include the image content."),
    "invalidImage": _Kind(400, _COMMON, "The provided image content is invalid."),
    "uploadTooLarge": _Kind(413, "global", "Media is too large. Limit: 2097152"),
}

_STATUS_WORDS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
_STATUS_WORDS |= {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}


class ApiError(Exception):
    """An answer of the API that is not the thing that was asked for. `reason`: a key of KINDS, or another word."""

    def __init__(self, reason: str, message: str = "", code: int | None = None, location: str = "") -> None:
        kind = KINDS.get(reason, _Kind(code or 403, "youtube.unknown", reason))
        super().__init__(reason)
        self.reason = reason
        self.code = code or kind.code
        self.message = message or kind.message
        self._domain = kind.domain
        self._location = location

    def body(self) -> Json:
        """As it stands in the answer."""
        error = {"message": self.message, "domain": self._domain, "reason": self.reason}
        if self._location:
            error |= {"location": self._location, "locationType": "parameter"}
        elif self.code == 401:
            error |= {"location": "Authorization", "locationType": "header"}
        whole: Json = {"code": self.code, "message": self.message, "errors": [error]}
        # Those of the live methods are of an older make, without it.
        if self._domain == "global" and self.code in _STATUS_WORDS:
            whole["status"] = _STATUS_WORDS[self.code]
        return {"error": whole}
