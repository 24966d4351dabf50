"""Plays a list of videos to an encoder: `python -I -S videos.py OPTIONS ENCODER…`, in the place of the encoder.

OPTIONS are JSON: those of `play`, and `size`, `rate` (frames a second, may be a fraction), `sound` (whether it is
wanted) and `tells` (which file is played). The process that was started becomes the encoder, and its child stays, as
with `play`. An FFmpeg for each file makes frames and samples all alike; they go to the encoder by a pipe each, the
frames without being looked at. Neither has time stamps: what counts is how many there were. So the sound is made to
last exactly as long as the picture: silence where a file has none, or too little of it, and no more than there is
picture. The next file's FFmpeg is started before this file ends, so that the encoder need not wait for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
from fractions import Fraction

if __name__ == "__main__":  # with -I, and without `site`, nothing of ours is found
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from supervisor.player import wires
from supervisor.player.play import DESCRIPTOR, shown
from supervisor.player.tracks import VIDEOS, Order

PICTURE = 5  # where the encoder finds the frames
_RATE, _SAMPLE = 48_000, 4  # samples a second, and bytes of one: two channels of 16 bits
_CHUNK = 1 << 16
_PATIENCE = 8000  # ms without a byte of the picture: a disk that sleeps wakes up sooner
_LATE = 4  # frames whose sound may still come; then it is silent. An encoder takes 8 without their sound
_LAST = 1000  # ms in which the rest of a file's sound must come, once its picture has
_STARVED = 300  # ms in which the encoder takes no frame: it may be waiting for sound
_MOST_SOUND = 64 << 20  # bytes of sound that may come before its picture
_AHEAD = 3.0  # seconds before a file's end at which the next one is opened
_MOST_TOLD = 50
_LOOK = 10.0  # seconds; a look at a file takes a tenth of one
_DURATION = re.compile(rb"Duration: (\d{1,6}):(\d\d):(\d\d)\.(\d\d)")
_SOUND = re.compile(rb"Stream #0:\d{1,4}[^ \n]{0,60}: Audio: ")
_QUIET = ("-hide_banner", "-nostdin", "-nostats")
_LOCAL = ("-protocol_whitelist", "file,pipe")


class Form:
    """What all files are made alike to."""

    def __init__(self, size: str, rate: str, *, sound: bool) -> None:
        self.width, self.height = map(int, size.split("x"))
        self.rate, self.fps, self.sound = rate, Fraction(rate), sound
        self.frame = self.width * self.height + 2 * ((self.width + 1) // 2) * ((self.height + 1) // 2)

    def argv(self, ffmpeg: str, path: str, sound: int | None) -> list[str]:
        """FFmpeg from a file to frames on its output, and samples on the descriptor `sound`."""
        width, height = self.width, self.height
        fit = f"scale={width}:{height}:force_original_aspect_ratio=decrease:out_range=tv"
        filters = f"{fit},pad={width}:{height}:-1:-1,setsar=1,fps={self.rate}:start_time=0,format=yuv420p"
        argv = [ffmpeg, *_QUIET, "-loglevel", "quiet", *_LOCAL, "-i", f"file:{path}"]
        if sound is not None:  # read apart, for in many files it stands a second behind its picture
            argv += ["-vn", *_LOCAL, "-i", f"file:{path}"]
        argv += ["-map", "0:V:0", "-vf", filters, "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]
        if sound is not None:
            even = "aresample=async=1:first_pts=0"
            argv += ["-map", "1:a:0", "-af", even, "-f", "s16le", "-ar", str(_RATE), "-ac", "2", f"pipe:{sound}"]
        return argv


class File:
    """One file that is being decoded. Raises OSError or ValueError where that cannot begin."""

    def __init__(self, ffmpeg: str, path: str, form: Form) -> None:
        self.path = path
        self.seconds, has_sound = _look(ffmpeg, path)
        self.sound: int | None = None
        self.picture, writing = wires.wide_pipe()
        theirs = None
        if has_sound and form.sound:
            self.sound, theirs = wires.wide_pipe()
        ends = [writing] if theirs is None else [writing, theirs]
        actions: list[tuple[int, ...]] = [(os.POSIX_SPAWN_DUP2, writing, 1)]
        if theirs is not None:
            actions.append((os.POSIX_SPAWN_DUP2, theirs, DESCRIPTOR))
        defaults = (signal.SIGPIPE, signal.SIGXFSZ)  # Python ignores them, and a child would too
        argv = form.argv(ffmpeg, path, None if theirs is None else DESCRIPTOR)
        try:
            self.pid = os.posix_spawnp(ffmpeg, argv, os.environ, file_actions=actions, setsigdef=defaults)
        except OSError:
            self._close()
            raise
        finally:
            for end in ends:
                os.close(end)

    def end(self) -> None:
        """Let it go, wherever it is."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._close()

    def mute(self) -> None:
        """No more sound comes of it."""
        if self.sound is not None:
            os.close(self.sound)
            self.sound = None

    def _close(self) -> None:
        self.mute()
        os.close(self.picture)


def _look(ffmpeg: str, path: str) -> tuple[float | None, bool]:
    """How long a file says that it lasts, and whether it has sound. Raises OSError or ValueError."""
    argv = [ffmpeg, *_QUIET, *_LOCAL, "-i", f"file:{path}"]
    try:
        said = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LOOK, check=False).stderr
    except subprocess.TimeoutExpired:
        return None, False
    lasts = _DURATION.search(said)
    hours, minutes, seconds, hundredths = map(int, lasts.groups()) if lasts else (0, 0, 0, 0)
    whole = hours * 3600 + minutes * 60 + seconds + hundredths / 100
    return (whole if lasts else None), bool(_SOUND.search(said))


class Sound:
    """What goes to the encoder beside the picture: for as many frames as there were, and not a sample more."""

    def __init__(self, out: int | None, fps: Fraction) -> None:
        self._out, self._fps = out, fps
        self._frames = 0  # of this file
        self._before = 0  # frames of all files before it
        self._given = 0  # bytes of this file's time that are on their way
        self._come = bytearray()  # of it, from `_given` on, but for what is too late
        self._late = 0  # bytes of it that are silent already, and are to be passed over when they come
        self._waiting = bytearray()  # what the encoder has not taken yet

    @property
    def full(self) -> bool:
        """No more is to be read now."""
        return len(self._come) >= _MOST_SOUND

    @property
    def blocked(self) -> bool:
        """The encoder has not taken all."""
        return bool(self._waiting)

    def lacks(self, frames: int) -> bool:
        """Whether more must come for so many frames of this file."""
        return self._out is not None and self._bytes(frames) - self._given > len(self._come)

    def hear(self, data: bytes) -> None:
        """What has come of this file's sound."""
        late = min(self._late, len(data))
        self._late -= late
        self._come += data[late:]

    def follow(self, frames: int | None = None, *, more: bool) -> None:
        """So many frames of this file have gone, or no more than before; `more` of its sound may come."""
        frames = self._frames = self._frames if frames is None else frames
        if self._out is None:
            return
        owed = self._bytes(frames) - self._given
        part = self._come[:owed]
        del self._come[: len(part)]
        patience = int(_LATE * _RATE / self._fps) * _SAMPLE if more else 0
        silent = max(0, owed - len(part) - patience)
        self._late += silent
        self._given += len(part) + silent
        self._waiting += part + bytes(silent)
        self.send()

    def end_file(self) -> None:
        """No more frames of this file come: its sound ends with them."""
        self.follow(more=False)
        self._before += self._frames
        self._frames = self._given = self._late = 0
        self._come.clear()

    def send(self) -> None:
        """As much as there is room for. Raises BrokenPipeError without an encoder."""
        if self._out is None:
            return
        with contextlib.suppress(BlockingIOError):
            while self._waiting:
                del self._waiting[: os.write(self._out, self._waiting[:_CHUNK])]

    def _bytes(self, frames: int) -> int:
        """The bytes of sound that so many frames of this file last; over all files no sample is lost by rounding."""
        whole = [int((self._before + count) * _RATE / self._fps) for count in (frames, 0)]
        return (whole[0] - whole[1]) * _SAMPLE


class Player:
    """Plays files to the pipes `picture` and `sound` (None: none is wanted)."""

    def __init__(self, order: Order, ffmpeg: str, form: Form, picture: int, sound: int | None, *, tells: bool) -> None:
        self._order, self._ffmpeg, self._form, self._tells = order, ffmpeg, form, tells
        self._picture, self._sound_out = picture, sound
        self._sound = Sound(sound, form.fps)
        self._next: File | None = None
        self._opening: threading.Thread | None = None
        self._told: set[str] = set()
        self._lost = False
        self._silent = 0  # files in a row without a picture

    def play_all(self) -> None:
        """One file after another, until there is none, or none of them can be played."""
        try:
            while file := self._following():
                played = self._play(file)
                self._note(file.path, played=played)
                if not played and self._silent >= len(self._order):
                    break
        except BrokenPipeError:
            return
        if not len(self._order):
            wires.say("player", "fatal", "there is no track in the list")
        elif self._silent >= len(self._order):
            wires.say("player", "fatal", "no track of the list can be played")

    def _following(self) -> File | None:
        """The next file, which may be open already."""
        if self._opening:
            self._opening.join()
        if self._next is None:
            self._open()
        found, self._next, self._opening = self._next, None, None
        return found

    def _open(self) -> None:
        """Have the next file decoded; one that cannot be is passed over."""
        while self._silent < max(1, len(self._order)) and (path := self._order.following()) is not None:
            self._tell_lost()
            try:
                self._next = File(self._ffmpeg, path, self._form)
            except (OSError, ValueError):
                self._note(path, played=False)
                continue
            return

    def _tell_lost(self) -> None:
        if self._order.lost and not self._lost:
            words = "there is no track in the list any more: the list as it was before goes on"
            wires.say("player", "warning", words)
        self._lost = self._order.lost

    def _note(self, path: str, *, played: bool) -> None:
        if played:
            self._silent = 0
            self._told.discard(path)
            return
        self._silent += 1
        new = path not in self._told and len(self._told) < _MOST_TOLD
        words = f"skipped {shown(path)}: it has no picture that can be decoded"
        wires.say("player", "warning" if new else "info", words)
        if new:
            self._told.add(path)

    def _play(self, file: File) -> bool:
        """Send a file, and wait until all of it is on its way. False if it had no picture."""
        sent = 0
        try:
            while (more := self._step(file)) is not None:
                if more and not sent and self._tells:
                    wires.say("player", "info", f"playing {shown(file.path)}")
                sent += more
                self._follow(file, sent, 0)
                self._look_ahead(file, sent)
            self._fill(-sent % self._form.frame)  # the next frame must begin where frames begin
            sent += -sent % self._form.frame
            self._follow(file, sent, _LAST)
            self._sound.end_file()
            return sent > 0
        finally:
            file.end()

    def _follow(self, file: File, sent: int, patience: int) -> None:
        """Have the sound go as far as the picture has, with all of it that has come, or does within `patience` ms."""
        frames = sent // self._form.frame
        while file.sound is not None and self._sound.lacks(frames) and _ready(file.sound, select.POLLIN, patience):
            self._hear(file)
        self._sound.follow(frames, more=file.sound is not None)

    def _hear(self, file: File) -> None:
        assert file.sound is not None
        if data := os.read(file.sound, _CHUNK):
            self._sound.hear(data)
        else:
            file.mute()

    def _step(self, file: File) -> int | None:
        """Wait until something can be done, and do it: how many bytes of the picture went on; None at its end."""
        came = _ready(file.picture, select.POLLIN)
        poll = select.poll()
        poll.register(self._picture, select.POLLOUT if came else 0)
        if not came:
            poll.register(file.picture, select.POLLIN)
        if file.sound is not None and not self._sound.full:
            poll.register(file.sound, select.POLLIN)
        if self._sound_out is not None and self._sound.blocked:
            poll.register(self._sound_out, select.POLLOUT)
        ready = dict(poll.poll(_STARVED if came else _PATIENCE))
        if not ready:
            self._sound.follow(more=False)
            return 0 if came else None  # it stands still
        if ready.get(self._picture, 0) & (select.POLLERR | select.POLLHUP):
            raise BrokenPipeError
        if self._sound_out in ready:
            self._sound.send()
        if file.sound is not None and file.sound in ready:
            self._hear(file)
        if not came or self._picture not in ready:
            return None if file.picture in ready and _ended(ready[file.picture]) else 0
        with contextlib.suppress(BlockingIOError):
            moved = os.splice(file.picture, self._picture, wires.MOST_BYTES, flags=os.SPLICE_F_NONBLOCK)
            return moved or None
        return 0

    def _look_ahead(self, file: File, sent: int) -> None:
        """Open the next file, once this one is about to end."""
        if self._opening is None and file.seconds is not None:
            passed = sent // self._form.frame / self._form.fps
            if passed >= file.seconds - _AHEAD:
                self._opening = threading.Thread(target=self._open, daemon=True)
                self._opening.start()

    def _fill(self, count: int) -> None:
        """Grey, for what a decoder that has crashed left of its last frame."""
        while count:
            select.select([], [self._picture], [])
            with contextlib.suppress(BlockingIOError):
                count -= os.write(self._picture, bytes([128]) * min(count, _CHUNK))


def _ready(descriptor: int, events: int, patience: int = 0) -> bool:
    poll = select.poll()
    poll.register(descriptor, events)
    return bool(poll.poll(patience))


def _ended(events: int) -> bool:
    return bool(events & select.POLLHUP) and not events & select.POLLIN


def main() -> None:
    """Become the encoder as soon as there is a picture, and leave a child that plays."""
    options, argv = json.loads(sys.argv[1]), sys.argv[2:]
    order = Order(options["list"], options["note"], shuffle=options["shuffle"], loop=options["loop"], kinds=VIDEOS)
    form = Form(options["size"], options["rate"], sound=options["sound"])
    sound, sound_end = wires.wide_pipe() if form.sound else (None, None)
    picture, picture_end = wires.wide_pipe()
    if not os.fork():
        ends = [end for end in (picture_end, sound_end) if end is not None]
        wires.keep_only(*ends)
        for end in ends:
            os.set_blocking(end, False)
        Player(order, options["ffmpeg"], form, picture_end, sound_end, tells=options["tells"]).play_all()
        return
    os.close(picture_end)
    if sound_end is not None:
        os.close(sound_end)
    if not wires.has_data(picture):
        sys.exit(1)
    wires.become(argv, {**({} if sound is None else {DESCRIPTOR: sound}), PICTURE: picture})


if __name__ == "__main__":
    main()
