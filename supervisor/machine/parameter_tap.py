"""What an encoder's media is made of, read from the stream itself. IO.

A small side output of the encoder brings its keyframes alone, and a socket filter lets through of each the one datagram
that begins it: the parameters stand at its start. So the price is that of two datagrams in four seconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
from struct import Struct
from typing import Protocol

from supervisor.ffmpeg.keyframes import Keyframes, keyframe_stamps
from supervisor.ffmpeg.parameters import AUDIO_PID, VIDEO_PID, Parameters, parse_parameters

_LOOPBACK = "127.0.0.1"
_DATAGRAM_BYTES = 1500
_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
_SO_RCVBUFFORCE = 33  # beyond net.core.rmem_max, for who may
_KEYFRAME_BUFFER = 4 << 20  # a keyframe comes in one burst

# Classic BPF. The filter sees a datagram with its UDP header of 8 bytes; a load beyond its end drops it.
_INSTRUCTION = Struct("=HBBI")
_LOAD_32, _LOAD_16, _LOAD_8, _AND, _IF_EQUAL, _IF_SET, _RETURN = 0x20, 0x28, 0x30, 0x54, 0x15, 0x45, 0x06
_RANDOM = 0xFFFFF000 + 56  # what is loaded from there is a random number
_UDP_HEADER = 8
_TS_PACKET = 188
_PACKETS = 7
_BEGINS = 0x4000  # payload_unit_start_indicator, beside the PID
_PID_AND_BEGIN = 0x5FFF
_HAS_ADAPTATION = 0x20
_RANDOM_ACCESS = 0x40
_ALL = 0xFFFF
# Sound waits in FFmpeg for the next keyframe: ten seconds of it come at once and in front, and the keyframe would find
# the socket full. All pieces tell the same, so of eight one is enough.
_SOUND_MASK = 7


class Taker(Protocol):
    """Who collects what comes whole."""

    def take(self, datagram: bytes) -> None:
        """One more."""

    def begin_again(self) -> None:
        """What comes from now on is another encoder's."""


class ParameterTap:
    """The receiving end of the side output of one encoder's place."""

    def __init__(self, port: int = 0) -> None:
        """At a `port`, or at any. Raises OSError when somebody else has it."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        with contextlib.suppress(OSError):  # without it all keyframes come, which costs more and tells the same
            _attach(self._socket, _filter())
        try:
            self._socket.bind((_LOOPBACK, port))
        except OSError:
            self._socket.close()
            raise
        self.port = int(self._socket.getsockname()[1])
        self.fd = self._socket.fileno()
        self.keyframes = Keyframes()  # of the run that is listened to
        self._socket.connect((_LOOPBACK, 9))  # nobody
        self._collecting: list[Taker] = []

    def listen_to(self, port: int) -> None:
        """Take datagrams from this port and no other, and none of those that came before."""
        while self._next():
            pass
        self._socket.connect((_LOOPBACK, port))
        self.keyframes.begin_run()
        for taker in self._collecting:
            taker.begin_again()

    def read(self) -> Parameters | None:
        """The newest parameters that have come; None for none."""
        found = Parameters()
        for datagram in self._burst() if self._collecting else iter(self._next, b""):
            found = found.updated(parse_parameters(datagram))
            if stamps := keyframe_stamps(datagram):
                self.keyframes.take(stamps)
        return found if found != Parameters() else None

    def collect(self, taker: Taker) -> None:
        """Let whole keyframes and all sound through, and give to this one, too, what is read."""
        self._collecting.append(taker)
        if len(self._collecting) > 1:
            return
        with contextlib.suppress(OSError):  # closed meanwhile, or it never had a filter
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KEYFRAME_BUFFER)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _KEYFRAME_BUFFER)

    def leave(self, taker: Taker) -> None:
        """It has what it wants; once nobody collects any more, beginnings are enough again."""
        self._collecting.remove(taker)
        if not self._collecting:
            with contextlib.suppress(OSError):  # closed meanwhile, or it never had a filter
                _attach(self._socket, _filter())

    def _burst(self) -> list[bytes]:
        """What is there is fetched before it is looked at: the buffer may be small, and more comes."""
        datagrams = list(iter(self._next, b""))
        for taker in self._collecting:
            for datagram in datagrams:
                taker.take(datagram)
        return datagrams

    def close(self) -> None:
        """Close the port."""
        self._socket.close()

    def _next(self) -> bytes:
        try:
            return self._socket.recv(_DATAGRAM_BYTES)
        except OSError:
            return b""


def _filter() -> bytes:
    """Pass what begins a keyframe in any of its TS packets, and a part of what begins a piece of sound."""
    program = b""
    for number in range(_PACKETS):
        at = _UDP_HEADER + number * _TS_PACKET
        program += b"".join(
            _INSTRUCTION.pack(*words)
            for words in (
                (_LOAD_16, 0, 0, at + 1),
                (_AND, 0, 0, _PID_AND_BEGIN),
                (_IF_EQUAL, 0, 3, _BEGINS | AUDIO_PID),
                (_LOAD_32, 0, 0, _RANDOM),
                (_AND, 0, 0, _SOUND_MASK),
                (_IF_EQUAL, 5, 6, 0),
                (_IF_EQUAL, 0, 5, _BEGINS | VIDEO_PID),
                (_LOAD_8, 0, 0, at + 3),
                (_IF_SET, 0, 3, _HAS_ADAPTATION),
                (_LOAD_8, 0, 0, at + 5),
                (_IF_SET, 0, 1, _RANDOM_ACCESS),
                (_RETURN, 0, 0, _ALL),
            )
        )
    return program + _INSTRUCTION.pack(_RETURN, 0, 0, 0)


def _attach(receiver: socket.socket, program: bytes) -> None:
    """Raises OSError."""
    code = ctypes.create_string_buffer(program)
    header = Struct("@HP").pack(len(program) // _INSTRUCTION.size, ctypes.addressof(code))
    receiver.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)
