"""Takes what has the form of a secret out of the text of other programs. Pure.

They print what nobody has told us: signed segments of a playlist, a key inside of a script, the header of a login.
Host, protocol, status and the words of an error stay, and so do the names of files on disk.

Patterns are as those of `urls_in_text`: no text takes them longer than its length accounts for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from supervisor.secrets.harmless import HIDDEN, names_a_secret
from supervisor.secrets.urls_in_text import hide_urls

# Most lines have none of these, in lower case, and need no closer look. Ordered by first letters, which is quicker.
_SUSPICIOUS: Final = re.compile(
    r"auth|b(?:asic|earer)|c(?:ommand for |onn=|ookie|red|rypto:)|digest|fname|h(?:ash|dn|mac)|inline:|jwt|key|login"
    r"|n(?:egotiate|tlm)|p(?:as|in|laypath|olicy|sw|w)|rtmp_conn|s(?:ecret|erver error: |ession|ig|kip \('"
    r"|tream_?(?:id|name))|token|use?r|-u "
)

# What looks like this, and a word to tell quickly that nothing does.
_FORMS: Final = (
    (
        ("authorization", "cookie", "session"),
        re.compile(
            r"([Aa]uthorization|AUTHORIZATION|[Cc]ookie2?|COOKIE|\b[Ss]ession|SESSION)(['\"]?[ \t]*+:).+", re.DOTALL
        ),
        rf"\1\2 {HIDDEN}",
    ),
    (
        ("basic", "bearer", "negotiate", "ntlm"),
        re.compile(
            r"\b([Bb]asic|BASIC|[Bb]earer|BEARER|[Nn]egotiate|NEGOTIATE|NTLM|ntlm)((?:[ \t:=+]|%20)++)"
            r"(?!(?:auth(?:entication|orization)?|realm|with|scheme)\b)[^\s'\",;]{4,}"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (("digest ",), re.compile(r"\b([Dd]igest|DIGEST) +\w+ *=.*", re.DOTALL), rf"\1 {HIDDEN}"),
    # RTMP at `-loglevel debug`, tags of a playlist that FFmpeg does not know, keys of encrypted RTP.
    (("command for ", ", path = "), re.compile(r"(command for |, path = )'?[^',]*+'?"), rf"\1{HIDDEN}"),
    (("skip ('",), re.compile(r"(Skip \('#[A-Z0-9-]*+).+", re.DOTALL), rf"\1 {HIDDEN}')"),
    (("crypto:", "inline:"), re.compile(r"(crypto:|inline:).+", re.DOTALL), rf"\1{HIDDEN}"),
)

# `name=value`, `"name": "value"`, `-name value`
_NAME: Final = re.compile(r"(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]+)(['\"]?[ \t]*+[:=][ \t]*+|[ \t]++)")
_VALUE: Final = re.compile(r"\"[^\"]*+\"?|'[^']*+'?|[^\s\"]++")
_LOGIN_OPTIONS: Final = frozenset({"-u", "--user", "--proxy-user"})
_ARGUMENT: Final = "with argument "  # FFmpeg at `-loglevel debug`: "Applying option passphrase (…) with argument …"

_SERVER_ERROR: Final = "Server error: "  # an RTMP server's own words, which may name the stream
_PLAIN_WORD: Final = re.compile(r"(?:code=)?\d{3}|[A-Z]?[a-z]+|[A-Z]{1,5}|(?:Net|Access)[A-Za-z]+(?:\.[A-Za-z]+)+|")
_BEFORE_A_NAME: Final = re.compile(r"publish(?:ing)?|play(?:ing)?|key|name|stream")
_NO_NAME: Final = re.compile(
    r"|a|already|an|and|by|bad|connection|denied|does|exists|failed|for|found|has|in|invalid|is|key|name|no|not|of|on|or"
    r"|permitted|point|publishing|refused|rejected|stream|the|to|was|with"
)


def hide_forms(text: str, *, cut: bool = False) -> str:
    """`text` with `***` for whatever has the form of a secret. `cut` says that its end may be missing."""
    if "/" in text or "?" in text or "%" in text:
        text = hide_urls(text, cut=cut)
    lower = text.lower()
    if not _SUSPICIOUS.search(lower):
        return text
    for words, pattern, shown in _FORMS:
        if any(word in lower for word in words):
            text = pattern.sub(shown, text)
    text = "".join(_without_named_values(text))
    return _without_names_of_a_server(_without_argument(text))


def _without_named_values(text: str) -> Iterator[str]:
    end = 0
    for match in _NAME.finditer(text):
        name, separator = match.groups()
        if match.start() < end or not _names_a_value(text, match.start(), name, separator):
            continue
        value = _VALUE.match(text, match.end())
        if value is None or (name in _LOGIN_OPTIONS and ":" not in value.group()):
            continue
        yield text[end : match.end()] + HIDDEN
        end = match.end() + len(value.group().rstrip(",;)]}"))
    yield text[end:]


def _names_a_value(text: str, at: int, name: str, separator: str) -> bool:
    """Whether the value of this name, which stands at `at`, is to be hidden."""
    if ":" in separator and ("." in name or text[at - 1 : at] in {"/", "@"}):
        return False  # a host and its port, or what is said of it
    if separator.isspace():
        return name.startswith("-") and (name in _LOGIN_OPTIONS or names_a_secret(name.lstrip("-")))
    return names_a_secret(name)


def _without_argument(text: str) -> str:
    before, found, _ = text.partition(_ARGUMENT)
    told = found and any(names_a_secret(word.strip("'-")) for word in before.split())
    return before + found + HIDDEN if told else text


def _without_names_of_a_server(text: str) -> str:
    before, found, said = text.partition(_SERVER_ERROR)
    return before + found + " ".join(_plain_words(said)) if found else text


def _plain_words(said: str) -> Iterator[str]:
    """Words of a language, as opposed to what may be a stream's name."""
    previous = ""
    for word in said.split(" "):
        bare = word.strip("[]()'\".,:;")
        plain = _PLAIN_WORD.fullmatch(bare) and not (
            _BEFORE_A_NAME.fullmatch(previous) and not _NO_NAME.fullmatch(bare.lower())
        )
        yield word if plain else word.replace(bare, HIDDEN)
        previous = bare.lower() or previous
