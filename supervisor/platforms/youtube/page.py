"""The public page of a channel: whether a stranger sees it live. IO; blocks. The reading of the text is pure.

It needs no login, and it is advisory: whatever is not certain, such as a question for consent, a captcha or a page of
another shape, is unknown. Unlisted and private broadcasts never stand there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests

from supervisor import __version__
from supervisor.platforms.youtube.http import Answer, NoAnswer, exchange
from supervisor.platforms.youtube.model import Page
from supervisor.platforms.youtube.reading import section

MOST_BYTES: Final = 2_000_000
_MOST_REDIRECTS: Final = 3
_MOST_PLAYERS: Final = 8
_PLAYER: Final = re.compile(r"ytInitialPlayerResponse[\"']?\]?\s{0,8}=\s{0,8}(?=\{)")
_CANONICAL: Final = re.compile(r'<link rel="canonical" href="[^"<>]{0,100}/channel/(UC[A-Za-z0-9_-]{22})(?:/live)?"')
_DATA: Final = "ytInitialData"
_HEADERS: Final[Mapping[str, str]] = {
    "User-Agent": f"Mozilla/5.0 (compatible; neverdark/{__version__})",
    "Accept-Language": "en",
    # Says no to cookies beforehand: else there is nothing in Europe but the question.
    "Cookie": "SOCS=CAI",
}


def look(session: requests.Session, page_url: str, channel: str) -> Page:
    """What `page_url` shows of this channel now. Never raises; takes two minutes at the very most."""
    url = f"{page_url}/channel/{channel}/live"
    for _ in range(_MOST_REDIRECTS + 1):
        try:
            answer = exchange(session, "GET", url, most=MOST_BYTES, cut=True, headers=dict(_HEADERS))
        except NoAnswer:
            return Page.UNKNOWN
        if answer.status == 200:  # noqa: PLR2004 - success
            return read_page(answer.body.decode("utf-8", "replace"), channel)
        further = _further(answer, url)
        if further is None:
            return Page.UNKNOWN
        url = further
    return Page.UNKNOWN


def _further(answer: Answer, url: str) -> str | None:
    """Where the same server sends us to; another one (consent, captcha) is not asked."""
    if answer.status not in {301, 302, 303, 307, 308}:
        return None
    place = {name.lower(): value for name, value in answer.headers.items()}.get("location", "")
    try:
        there = urljoin(url, place)
        same = urlsplit(there)[:2] == urlsplit(url)[:2]
    except ValueError:
        return None
    return there if place and same else None


def read_page(text: str, channel: str) -> Page:
    """What the page's text says. Takes time that grows as the text does."""
    for number, found in enumerate(_PLAYER.finditer(text)):
        if number == _MOST_PLAYERS:
            break
        try:
            player = json.JSONDecoder().raw_decode(text, found.end())[0]
        except (ValueError, RecursionError):
            continue
        if isinstance(player, dict) and (said := _said(player)) is not None:
            return said
    # Without any broadcast it is the channel's own page, which names itself and has no player.
    home = _CANONICAL.search(text)
    if home and home[1] == channel and _DATA in text and not _PLAYER.search(text):
        return Page.NOT_LIVE
    return Page.UNKNOWN


def _said(player: Mapping[str, Any]) -> Page | None:
    """What a player's data says; None: it is of no known shape."""
    video = section(player.get("videoDetails"))
    renderer = section(section(player.get("microformat")).get("playerMicroformatRenderer"))
    broadcast = section(renderer.get("liveBroadcastDetails"))
    status = section(player.get("playabilityStatus")).get("status", "OK")
    if status == "LIVE_STREAM_OFFLINE" or video.get("isUpcoming") is True:
        return Page.NOT_LIVE
    if video.get("isLive") is True or broadcast.get("isLiveNow") is True:
        return Page.LIVE
    if not video and "isLiveNow" not in broadcast:
        return None
    return Page.NOT_LIVE if status == "OK" else Page.UNKNOWN  # a login is asked for, or it is not for this country
