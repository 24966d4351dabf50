"""What a name or a part of a path tells: whether there is a secret behind it. Pure."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "***"

# Names that tell, anywhere in a name, or as a word of their own in it.
_TELLING: Final = re.compile(
    r"(?i)passw|passcode|passphrase|secret|token|auth|credential|signature|bearer|cookie|api_?key"
    r"|stream_?(?:key|name|id)|playpath|fname|login(?:pas|use)|session_?id"
    r"|(?:^|[_.-])(?:key|sig|sign|pass|pas|pwd|pswd|psw|pw|pin|user|usr|username|login|hash|hmac|jwt|hdnts|hdnea|policy"
    r"|conn)s?(?:$|[_.-])"
    r"|(?<=[a-z])(?:key|pass|pwd|pw)$"
)

# Parameters that say which picture, and how to carry it. Whatever is not one of these may be a password.
_HARMLESS_PARAMETER: Final = re.compile(
    r"(?i)audio|backup|bitrate|buffer_size|burst_bits|camera|channels?|codec|compression|fifo_size|fps|height|latency"
    r"|listen|localaddr|localport|maxbw|mode|mtu|overrun_nonfatal|pbkeylen|pkt_size|profile|proto|quality|rate|rcvbuf"
    r"|reconnect|res|resolution|rtsp_transport|size|sndbuf|stream|streamtype|subtype|tcp|tcp_nodelay|timeout|transport"
    r"|transtype|ttl|type|unicast|video|videocodec|width"
)

# What cameras and servers call their pictures, everywhere the same.
_WORD: Final = (
    r"(?:live|streams?|streaming|channels?|chan|ch|cam|camera|videos?|audio|media|main|sub|primary|secondary|high|low"
    r"|hd|sd|fhd|uhd|profile|preview|track(?:id=)?|h264|h265|hevc|avc|mpeg4?|mpegts|mjpe?g|mjpg|av|index|playlist"
    r"|master|manifest|chunklist|hls|dash|tv|radio|realmonitor|onvif|unicast|multicast|snapshot|nphmotionjpeg)"
)
_TYPE: Final = (
    r"(?:m3u8?|mpd|m?ts|m2ts|mp4|m4[asv]|aac|mp3|ogg|flv|mkv|webm|sdp|cgi|mjpe?g|jpe?g|26[45]|amp|asp|php|smp|mov|key)"
)
_PICTURE: Final = re.compile(rf"(?i)(?:{_WORD}(?:[_.-]?(?:{_WORD}|\d{{1,3}})){{0,3}}|\d{{1,3}})(?:\.{_TYPE})?")
_APPLICATION: Final = re.compile(
    r"(?i)(?:live|streams?|streaming|hls|dash|rtmp|app|cam|video|media|axis-media|onvif)\d?"
)
_LONGEST_PART: Final = 40


def names_a_secret(name: str) -> bool:
    """Whether a parameter or a variable of this name holds something to hide."""
    return _TELLING.search(name) is not None


def is_harmless_parameter(name: str) -> bool:
    """Whether a URL's parameter of this name surely holds nothing to hide."""
    return _HARMLESS_PARAMETER.fullmatch(name) is not None


def is_harmless_application(part: str) -> bool:
    """Whether the first part of a URL's path is what everybody calls it: `live` in `rtmp://host/live/KEY`."""
    return len(part) <= _LONGEST_PART and _APPLICATION.fullmatch(part) is not None


def is_harmless_picture(part: str) -> bool:
    """Whether the last part of a URL's path names a picture as everybody does: `stream1`, `index.m3u8`, `101`."""
    return len(part) <= _LONGEST_PART and _PICTURE.fullmatch(part) is not None
