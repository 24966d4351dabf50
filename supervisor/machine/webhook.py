"""Calls a webhook of an owner's. IO; blocks."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

_TRIES: Final = 3
_PAUSE: Final = 1.0
_ONE_TRY: Final = 10.0  # seconds
_ASKS_AGAIN: Final = 500  # from this status on; what is below will not change its mind


def call(url: str, body: Mapping[str, Any], timeout: float) -> str | None:
    """POST `body` as JSON, a few times within `timeout` seconds. Returns in words why it was not taken; None: it was.

    A redirect is no yes: who is sent elsewhere might not be whom the owner has named. The words hold no secret.
    """
    import requests  # noqa: PLC0415 - 0.1 s and 10 MB, for who needs it

    logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)  # it writes whole URLs
    until, said = time.monotonic() + timeout, "no time was left"
    with requests.Session() as session:
        session.trust_env = False  # a password from .netrc is none of its
        session.headers["User-Agent"] = "neverdark"
        for number in range(_TRIES):
            if number:
                time.sleep(min(_PAUSE, max(0.0, until - time.monotonic())))
            if (left := until - time.monotonic()) <= 0:
                break
            try:
                with session.post(
                    url, json=body, timeout=min(_ONE_TRY, left), allow_redirects=False, stream=True
                ) as answer:
                    if answer.ok and not answer.is_redirect:
                        return None
                    said = f"the webhook answers with status {answer.status_code}"
                    if answer.status_code < _ASKS_AGAIN:
                        break
            except (requests.RequestException, ValueError, OSError) as error:
                said = f"the webhook does not answer: {type(error).__name__}"
    return said
