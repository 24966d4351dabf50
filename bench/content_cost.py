"""What looking at picture and sound costs: CPU seconds of the processes that do it, in pairs, the least of several.

An encoder of 1280×720 at 30 frames a second by x264's veryfast, with and without the checks, in turn; and for media
that is copied one sample (two keyframes, six seconds of sound) and one small picture.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from supervisor.config.shape import Config
from supervisor.desired.plan import PROGRESS, encoder_of
from supervisor.ffmpeg import thumbnail
from supervisor.ffmpeg.content import CONTENT_PORT
from supervisor.ffmpeg.destinations import CLOCK, TAP_PORT, sender_mark
from supervisor.ffmpeg.sample import Sample, measuring
from supervisor.machine.ffmpeg_binary import find
from tests.integration.harness.waiting import free_port

SECONDS = 6
PICTURE = "testsrc2=size=1280x720:rate=30,noise=alls=8:allf=t"


def made(ffmpeg: str, folder: Path) -> Path:
    """A camera's recording."""
    file = folder / "camera.ts"
    words = ["-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", str(SECONDS)]
    words += ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "60", "-b:v", "4M", "-c:a", "aac"]
    subprocess.run([ffmpeg, "-nostdin", "-v", "error", "-y", *words, str(file)], check=True)
    return file


def encoder(ffmpeg: str, file: Path, *, content: bool) -> list[str]:
    """Its command line as neverdark starts it, but as fast as it can; it ends with the file.

    Not earlier, by `-t`: FFmpeg 5.1 does not end then while filters of its own sound have no end.
    """
    video = {"codec": "libx264", "preset": "veryfast", "bitrate": "3M", "size": "1280x720", "fps": 30}
    stream = {"source": {"url": str(file)}, "video": video, "content": content, "destinations": {"d": {"url": "x.ts"}}}
    config = Config.model_validate({"streams": {"cam": stream}})
    seen = config.content_of("cam")
    spec = encoder_of(config, "cam", config.streams["cam"], find(ffmpeg), {"d": free_port()}, seen=seen)
    ports = {PROGRESS: f"udp://127.0.0.1:{free_port()}", CLOCK: "0"}
    ports |= {mark: str(free_port()) for mark in (CONTENT_PORT, TAP_PORT, sender_mark("d"), sender_mark(""))}
    words = list(spec.argv)
    for mark, port in ports.items():
        words = [word.replace(mark, port) for word in words]
    return ["anullsrc=sample_rate=48000" if word.startswith("anullsrc") else word for word in words if word != "-re"]


def cost(argv: Sequence[str], media: bytes = b"") -> float:
    """CPU seconds of one process, user's and kernel's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, input=media, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def sample_of(ffmpeg: str, file: Path) -> tuple[bytes, float]:
    """What a sample takes off the side output, and the CPU seconds that neverdark itself needs for that."""
    words = ["-i", str(file), "-t", "6", "-c", "copy", "-bsf:v", "noise=drop=not(key)", "-f", "mpegts", "pipe:1"]
    side = subprocess.run([ffmpeg, "-nostdin", "-v", "error", *words], check=True, capture_output=True).stdout
    sample, began = Sample(sound=True), time.process_time()
    for at in range(0, len(side), 1316):
        sample.take(side[at : at + 1316])
    return sample.media, time.process_time() - began


def main() -> int:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("ffmpeg", nargs="+", help="programs")
    options = parser.parse_args()

    for ffmpeg in options.ffmpeg:
        with tempfile.TemporaryDirectory(prefix="neverdark-cost-") as folder:
            file = made(ffmpeg, Path(folder))
            pairs = [
                [cost(encoder(ffmpeg, file, content=content)) for content in (False, True)]
                for _ in range(options.rounds)
            ]
            without, beside = (min(column) for column in zip(*pairs, strict=True))
            media, own = sample_of(ffmpeg, file)
            sampled = min(cost(measuring(ffmpeg), media) for _ in range(2 * options.rounds))
            drawn = min(cost(thumbnail.small(ffmpeg), media) for _ in range(2 * options.rounds))
        share, more = f"{without / SECONDS:.1%} of a core", f"{beside / SECONDS:.1%}: {beside / without - 1:+.1%}"
        print(f"{ffmpeg}\n  encoder {share}, with checks {more}")
        print(f"    rounds: {', '.join(f'{one:.2f}/{other:.2f}' for one, other in pairs)} s")
        print(
            f"  sample of {len(media):,} bytes: {sampled:.3f} s, and {own:.4f} s of neverdark; picture: {drawn:.3f} s"
        )
        print(f"    a sample a minute: {(sampled + own) / 60:.2%} of a core", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
