"""What may be shown and what may not. Pure.

Our own texts are safe by construction: a URL is shown as `rtmps://host/app/***`. Text of other programs'
(FFmpeg prints keys and passwords when it is refused) is cleaned by value with a `Redactor`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import SplitResult, quote, unquote, unquote_plus, urlsplit

HIDDEN = "***"
_MIN_SECRET = 3  # a shorter "secret" would tear every text apart; the whole URL around it is hidden instead
_MIN_HEAD = 4  # so much of a secret's beginning, at the end of a line that was cut, is hidden too
_MIN_TOKEN = 16  # a parameter of any name whose value is so long is a token

# Names that tell, anywhere in a name, or as a word of their own in it.
_TELLING = re.compile(
    r"(?i)passw|passphrase|secret|token|auth|credential|signature|bearer|cookie|api_?key|stream_?(?:key|name|id)|playpath"
    r"|(?:^|[_.-])(?:key|sig|pass|pwd|pw|user|username|login|hash|hdnts|hdnea|policy|conn)s?(?:$|[_.-])"
    r"|(?<=[a-z])(?:key|pass|pwd|pw)$"
)
_URL_IN_TEXT = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^\s\"'<>|\[\]/?]*@)?(?:\[[0-9a-fA-F:.%]+\])?[^\s\"'<>|\[\]]*")
_USER_IN_URL = re.compile(r"(?<=://)[^\s\"'/@?#]+@(?=[^\s@]*)")
_HEADER = re.compile(
    r"(?i)([A-Za-z0-9-]*(?:authorization|cookie|token|api-?key|secret)[A-Za-z0-9-]*)\s*:\s*([^\r\n\"']+)"
)
_ASSIGNMENT = re.compile(r"-{0,2}([A-Za-z_][A-Za-z0-9_.-]*)=(.+)", re.DOTALL)
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


def names_a_secret(name: str) -> bool:
    """Whether a parameter or a variable of this name holds something to hide."""
    return _TELLING.search(name) is not None


# --- our own texts ---------------------------------------------------------------------------------


def show_url(url: str, key: str | None = None) -> str:
    """A URL without its secrets: scheme, host, port and path stay; user, query and stream name do not.

    >>> show_url("rtmp://a.example/live2/KEY")
    'rtmp://a.example/live2/***'
    """
    parts = _split(url)
    if parts is None:
        return HIDDEN
    if not parts.scheme or not parts.netloc:
        # A path or a lavfi graph has no place for a secret, but a nested URL may.
        found = _URL_IN_TEXT.search(url)
        if (found and found.group() == url) or parts.scheme.lower().startswith("rtmp"):
            return HIDDEN  # no host: whatever it is, it is not what it was meant to be
        return _URL_IN_TEXT.sub(lambda match: show_url(match.group()), url)
    if not parts.scheme.lower().startswith("rtmp"):
        return _shown_front(parts) + parts.path + (f"?{HIDDEN}" if parts.query else "")
    pieces = [piece for piece in parts.path.split("/") if piece]
    kept = pieces if key is not None else pieces[:1]
    return "/".join([_shown_front(parts), *kept, HIDDEN])


def show_destination(url: str) -> str:
    """A destination's URL that may be wrong, and its key anywhere in it: only what surely is none stays."""
    parts = _split(url)
    if parts is not None and parts.netloc and parts.scheme.lower().startswith("rtmp"):
        return show_url(url)
    if parts is not None and parts.netloc:
        return f"{_shown_front(parts)}/{HIDDEN}"
    is_path = ":" not in url and ("/" in url or "." in url)
    return url if is_path else HIDDEN


def _shown_front(parts: SplitResult) -> str:
    user = f"{HIDDEN}@" if "@" in parts.netloc else ""
    return f"{parts.scheme}://{user}{parts.netloc.rpartition('@')[2]}"


def _split(url: str) -> SplitResult | None:
    """The parts of a URL; None if it is malformed. A `#` is not special to FFmpeg."""
    try:
        parts = urlsplit(url, allow_fragments=False)
        _ = parts.port
    except ValueError:
        return None
    return parts


# --- what is secret --------------------------------------------------------------------------------


def secrets_of_url(url: str, key: str | None = None) -> set[str]:
    """The strings in a URL, as they are written, that must never be printed: user, password, stream name, tokens."""
    parts = _split(url)
    if parts is None:
        user = re.search(r"://(.*)@", url, re.DOTALL)
        pieces = {user.group(1), user.group(1).partition(":")[2]} if user else set[str]()
        return _hideable({url, *pieces}, url)
    user_info = parts.netloc.rpartition("@")[0]
    name, colon, password = user_info.partition(":")
    found = {password} if colon else {name}  # a lone user name is a token more often than not
    found |= set(_tokens(parts.query))
    if parts.scheme.lower().startswith("rtmp") and key is None:
        pieces = {piece for piece in parts.path.split("/")[2:] if piece}
        if pieces:
            path = "/".join(piece for piece in parts.path.split("/")[2:] if piece)
            last = parts.path.rstrip("/").rpartition("/")[2]
            found |= {path, last, f"{last}?{parts.query}" if parts.query else last}
    if key:
        stream, _, query = key.partition("?")
        found |= {key, stream, stream.rpartition("/")[2], *_tokens(query)}
    return _hideable(found, url)


def _tokens(query: str) -> Iterator[str]:
    for parameter in re.split(r"[&;]", query):
        name, _, value = parameter.partition("=")
        if names_a_secret(unquote(name)) or len(value) >= _MIN_TOKEN:
            yield value
            yield value.rpartition("=")[2]  # SRT's `streamid=#!::r=live,token=X`


def _hideable(found: Iterable[str], whole: str) -> set[str]:
    """Without the empty ones; what is too short to hide alone is hidden with the whole that it stands in."""
    kept = {secret for secret in found if secret}
    return kept | {whole} if any(len(secret) < _MIN_SECRET for secret in kept) else kept


def secrets_of_argv(argv: Iterable[str]) -> set[str]:
    """The secrets in a command line of the owner's: of its URLs, of headers, and the values of telling options."""
    words = list(argv)
    found: set[str] = set()
    for index, word in enumerate(words):
        found |= _secrets_of_word(word)
        name = words[index - 1] if index else ""
        if name.startswith("-") and "=" not in name and names_a_secret(name.lstrip("-")):
            found.add(word)
            if "cookie" in name:
                found |= {part.partition("=")[2] for part in re.split(r"[;\s]+", word)}
        if name in {"-u", "--user", "--proxy-user"}:
            found.add(word.partition(":")[2])
        if any(character.isspace() for character in word):  # a script of a shell's
            pieces = re.split(r"[\s\"']+", word)
            if len(pieces) < len(word):
                found |= secrets_of_argv(pieces)
    return {secret for secret in found if len(secret) >= _MIN_SECRET}


def _secrets_of_word(word: str) -> set[str]:
    found: set[str] = set()
    for text in {word, word.replace("\\", "")}:  # tee's outputs are written with `\:`
        for match in _URL_IN_TEXT.finditer(text):
            found |= secrets_of_url(match.group())
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", word):
        found |= secrets_of_url(word)
    for match in _HEADER.finditer(word):
        value = match.group(2).strip()
        found |= {value, value.rpartition(" ")[2], value.rpartition("=")[2]}
    if (assigned := _ASSIGNMENT.fullmatch(word)) and names_a_secret(assigned.group(1)):
        found.add(assigned.group(2))
    return found


# --- text of other programs ------------------------------------------------------------------------


class Redactor:
    """Replaces secrets in text, in each form in which a program may print them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        plain: set[str] = set()
        for secret in secrets:
            plain |= {secret, secret.strip(), unquote(secret), unquote_plus(secret)}
        # The longest first, or a secret that contains another would leave its tail behind.
        ordered = sorted((p for p in plain if len(p) >= _MIN_SECRET), key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(_in_any_form, ordered))) if ordered else None
        self._heads = tuple({form for secret in ordered for form in (secret, quote(secret, safe=""), quote(secret))})

    def clean(self, text: str, *, cut: bool = False) -> str:
        """`text` with `***` where a secret stood. `cut` says that its end may be missing, in the middle of one."""
        if self._pattern:
            text = self._pattern.sub(HIDDEN, text)
        if "://" in text:
            text = _USER_IN_URL.sub(f"{HIDDEN}@", text)
        return self._without_head(text) if cut else text

    def _without_head(self, text: str) -> str:
        longest = max((_common_end(text, head) for head in self._heads), default=0)
        return text[:-longest] + HIDDEN if longest else text


def _common_end(text: str, secret: str) -> int:
    """How many characters at the end of `text` are the beginning of `secret`, if they are enough to tell."""
    lengths: Sequence[int] = range(min(len(text), len(secret) - 1), _MIN_HEAD - 1, -1)
    return next((length for length in lengths if text.endswith(secret[:length])), 0)


def _in_any_form(secret: str) -> str:
    """A pattern for `secret` in which every character that has them may stand in its other forms."""
    return "".join(map(_character_in_any_form, secret))


def _character_in_any_form(character: str) -> str:
    if _UNRESERVED.fullmatch(character):
        return re.escape(character)
    encoded = "".join(
        "%" + "".join(f"[{digit}{digit.lower()}]" if digit.isalpha() else digit for digit in f"{byte:02X}")
        for byte in character.encode("utf-8", "surrogatepass")
    )
    forms = [re.escape(character), encoded]
    if character == " ":
        forms.append(r"\+")
    if character in "\\'\":":
        forms.append(re.escape("\\" + character))
    return f"(?:{'|'.join(forms)})"
