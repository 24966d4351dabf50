"""Plays a list of tracks to an encoder: `python -I -S play.py OPTIONS ENCODER…`, in the place of the encoder.

OPTIONS are JSON: `list` (files, folders, list files), `shuffle`, `loop`, `note` (a file of our own), `ffmpeg`. The
process that was started becomes the encoder: so it is the one that is watched, signalled and replaced, as ever. Its
child stays and writes the sound of one track after another, all alike, to the pipe that the encoder reads as
`DESCRIPTOR`: a pipe that is full paces it, and what is in it bridges the edge between two tracks. Both are of one
process group, and whichever ends takes the other with it: a pipe without a writer is the end of the sound, one without
a reader the end of the player.

What it says stands on lines of its own among the encoder's: see `supervisor.ffmpeg.tracks`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys

if __name__ == "__main__":  # with -I, and without `site`, nothing of ours is found
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from supervisor.player import wires
from supervisor.player.tracks import Order

DESCRIPTOR = 4  # where the encoder finds the sound
_CHUNK = 1 << 16
_FRAME = 4  # bytes: two channels of 16 bits
_PATIENCE = 5000  # ms without a byte: a disk that sleeps wakes up sooner
_LONGEST_NAME = 200
_MOST_TOLD = 50  # tracks that are skipped
_SOUND = ("-f", "s16le", "-ar", "48000", "-ac", "2", "pipe:1")


def say(level: str, words: str) -> None:
    """One line among the encoder's."""
    wires.say("player", level, words)


def spawn(ffmpeg: str, path: str) -> tuple[int, int]:
    """Have a track decoded: the pid, and where its sound is read. Raises OSError."""
    reading, writing = os.pipe()
    options = ("-hide_banner", "-nostdin", "-nostats", "-loglevel", "quiet", "-protocol_whitelist", "file,pipe")
    argv = [ffmpeg, *options, "-i", f"file:{path}", "-map", "0:a:0", *_SOUND]
    try:
        actions = [(os.POSIX_SPAWN_DUP2, writing, 1)]
        defaults = (signal.SIGPIPE, signal.SIGXFSZ)  # Python ignores them, and a child would too
        return os.posix_spawnp(ffmpeg, argv, os.environ, file_actions=actions, setsigdef=defaults), reading
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)


def send(data: bytes, out: int) -> None:
    """All of it, as soon as there is room. Raises BrokenPipeError without an encoder."""
    while data:
        data = data[os.write(out, data) :]


def play(ffmpeg: str, path: str, out: int) -> bool:
    """Send a track's sound, and wait until all of it is on its way. False if there was none.

    Raises BrokenPipeError when the encoder is gone, and OSError or ValueError without an FFmpeg.
    """
    pid, sound = spawn(ffmpeg, path)
    sent = 0
    try:
        poll = select.poll()
        poll.register(sound, select.POLLIN)
        poll.register(out, 0)  # tells when nobody reads any more
        while (ready := dict(poll.poll(_PATIENCE))) and (data := os.read(sound, _CHUNK) if sound in ready else b""):
            if not sent:
                say("info", f"playing {shown(path)}")
            send(data, out)
            sent += len(data)
        if out in ready:
            raise BrokenPipeError
        send(bytes(-sent % _FRAME), out)  # the next track's samples must begin where samples begin
        return sent > 0
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(sound)


def shown(path: str) -> str:
    """A track's name, without the folders above it."""
    return os.path.basename(path)[-_LONGEST_NAME:]


def play_all(order: Order, ffmpeg: str, out: int) -> None:
    """One track after another, until there is none, or none of them can be played."""
    silent, told, lost = 0, set[str](), False
    while (path := order.following()) is not None:
        if order.lost and not lost:
            say("warning", "there is no track in the list any more: the list as it was before goes on")
        lost = order.lost
        try:
            played = play(ffmpeg, path, out)
        except BrokenPipeError:
            return
        except (OSError, ValueError):
            played = False  # no FFmpeg could be started, or the path can be none
        if played:
            silent = 0
            told.discard(path)
            continue
        silent += 1
        new = path not in told and len(told) < _MOST_TOLD
        say("warning" if new else "info", f"skipped {shown(path)}: it has no sound that can be decoded")
        if new:
            told.add(path)
        if silent >= len(order):
            say("fatal", "no track of the list can be played")
            return
    if not len(order):
        say("fatal", "there is no track in the list")


def main() -> None:
    """Become the encoder as soon as there is sound, and leave a child that plays."""
    options, argv = json.loads(sys.argv[1]), sys.argv[2:]
    order = Order(options["list"], options["note"], shuffle=options["shuffle"], loop=options["loop"])
    reading, writing = wires.wide_pipe()
    if not os.fork():
        wires.keep_only(writing)
        play_all(order, options["ffmpeg"], writing)
        return
    os.close(writing)
    # An encoder that is given no sound at all would wait for it with its picture, and not end.
    if not wires.has_data(reading):
        sys.exit(1)
    wires.become(argv, {DESCRIPTOR: reading})


if __name__ == "__main__":
    main()
