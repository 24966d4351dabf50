"""Takes the secrets out of the URLs in a text, whoever wrote it. Pure.

Of a URL stay scheme, host, port and what everybody uses in its path: any other part may be a name and a password
(IPTV), a camera's login, a stream key or a signature.

Every pattern here takes time that grows as the text does, and no faster: it begins where nothing before it could
have begun, or gives nothing back (`*+`).
"""

from __future__ import annotations

import re
from typing import Final

from supervisor.secrets.harmless import HIDDEN, is_harmless_application, is_harmless_picture

_SCHEME: Final = r"(?<![A-Za-z0-9+.*-])([A-Za-z0-9+.*-]+)\\*+:\\*+/\\*+/"  # also `rtmp\://`, as FFmpeg's tee has it
# A quotation mark ends a URL only where the sentence goes on.
_URL: Final = re.compile(_SCHEME + r"((?:[^\s'\"<>]|['\"](?![\s,;:)\]}|]|\Z))*+)")
_QUOTED_URL: Final = re.compile(r"(?<=')" + _SCHEME + r"((?:[^']|'(?![\s,;:.)\]}|]|\Z))*+)")  # may hold spaces
_ENCODED_URL: Final = re.compile(
    r"(?i)(?<![a-z0-9+.-])([a-z0-9+.-]+)(?:%(?:25)*+3A(?:%(?:25)*+2F|/){2}|:(?:%(?:25)*+2F){2})\S*+"
)
_PARTS: Final = re.compile(r"([^/?#]*+)([^?#]*+)(.*)", re.DOTALL)  # authority, path, query
_HOST: Final = re.compile(r"(?:\[[0-9A-Za-z:.%*]*+\]|[\w.*%-]*+)(?::\d{0,5})?")
_SENTENCE: Final = ".,:;!)}|>'\""  # at a URL's end, not the URL's
_LOSES_ITS_LAST_PART: Final = ("rtmp", "srt", "rist")  # it is the stream's name, and its key

# Names that have a query or stand in a request, but no scheme.
_QUERY: Final = re.compile(r"(?<![^\s'\"<>=(,])([^\s'\"<>=(,?]*+)\?([^\s'\"<>]{2,})")
_REQUEST: Final = re.compile(
    r"((?:GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|CONNECT|SOURCE|DESCRIBE|ANNOUNCE|SETUP|PLAY|RECORD|TEARDOWN) "
    r"|(?:[Ll]ocation|[Rr]eferer|[Cc]ontent-[Bb]ase|:path):[ \t]*+)(/[^\s'\"]*+)"
)


def hide_urls(text: str, *, cut: bool = False) -> str:
    """`text` with `***` for all that a URL need not tell. `cut` says that its end may be missing."""

    def shown(match: re.Match[str]) -> str:
        return _shown(match.group(1), match.group(2), cut=cut and match.end() == len(text))

    if "//" in text or "\\/" in text:
        if "'" in text:
            text = _QUOTED_URL.sub(shown, text)
        text = _URL.sub(shown, text)
    if "%2" in text:
        text = _ENCODED_URL.sub(rf"\1://{HIDDEN}", text)
    if "?" in text:
        text = _QUERY.sub(_without_query, text)
    if " /" in text:
        text = _REQUEST.sub(_without_path, text)
    return _without_half_a_name(text) if cut else text


def _shown(scheme: str, rest: str, *, cut: bool) -> str:
    rest = rest.replace("\\", "")
    body, sentence = _of_the_sentence(rest)
    parts = _PARTS.fullmatch(body)
    authority, path, query = parts.groups() if parts else ("", "", "")
    user, at, host = authority.rpartition("@")
    # No host, a password with a slash in it, or the middle of one where the text was cut.
    if not _HOST.fullmatch(host) or "@" in path or (cut and not path + query):
        return f"{scheme}://{HIDDEN}{sentence}"
    if scheme.lower() != "file":
        path = shown_path(path, streamed=scheme.lower().startswith(_LOSES_ITS_LAST_PART), cut=cut and not query)
    before = f"{HIDDEN}@" if user else at  # FFmpeg writes multicast as `udp://@239.0.0.1`
    return f"{scheme}://{before}{host}{path}{f'?{HIDDEN}' if query else ''}{sentence}"


def shown_path(path: str, *, streamed: bool = False, cut: bool = False) -> str:
    """A URL's path with `***` for the parts that are not everybody's.

    `streamed`: the last part is a stream's name. `cut`: the last part may be the beginning of something longer.
    """
    parts = [part for part in path.split("/") if part]
    if not parts:
        return path
    first, last = parts[0], parts[-1]
    shown = [] if len(parts) == 1 else [first if is_harmless_application(first) else HIDDEN]
    shown += [HIDDEN] if len(parts) > 2 else []  # noqa: PLR2004 - between the first and the last
    alone = streamed and len(parts) == 1
    harmless = is_harmless_application(last) if alone else is_harmless_picture(last) and not streamed
    shown += [last if harmless and not cut else HIDDEN]
    folded = [part for index, part in enumerate(shown) if part != HIDDEN or index == 0 or shown[index - 1] != HIDDEN]
    return ("/" if path.startswith("/") else "") + "/".join(folded)


def _without_query(match: re.Match[str]) -> str:
    path, query = match.groups()
    body, sentence = _of_the_sentence(query)
    if not any(map(str.isalnum, body)) or "://" in path:  # a question, or a URL that is shown already
        return match.group()
    return f"{shown_path(path)}?{HIDDEN}{sentence}"


def _of_the_sentence(text: str) -> tuple[str, str]:
    """What belongs to the URL, and the little at its end that belongs to the sentence."""
    length = len(text[:-2] + text[-2:].rstrip(_SENTENCE))
    return text[:length], text[length:]


def _without_half_a_name(text: str) -> str:
    """What is quoted and cut off may be the beginning of a name with a query."""
    begin = text.rfind("'") + 1
    return text[:begin] + HIDDEN if text.count("'") % 2 and "://" not in text[begin:] else text


def _without_path(match: re.Match[str]) -> str:
    path, mark, _ = match.group(2).partition("?")
    return f"{match.group(1)}{shown_path(path)}{mark + HIDDEN if mark else ''}"
