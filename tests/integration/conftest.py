"""Fixtures of the integration tests: everything real, every process ended by the test that started it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import imageio_ffmpeg
import pytest

from tests.integration.harness.ingest import Ingest
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.valve import Valve
from tests.youtube.fake import FakeYouTube

Launch = Callable[..., Neverdark]


@pytest.fixture
def ingest(tmp_path: Path) -> Iterator[Ingest]:
    """nginx-rtmp, running."""
    ingest = Ingest(tmp_path / "ingest")
    try:
        ingest.start()
        yield ingest
    finally:
        ingest.close()


@pytest.fixture
def spare(tmp_path: Path) -> Iterator[Ingest]:
    """Another one: a backup ingest."""
    spare = Ingest(tmp_path / "spare")
    try:
        spare.start()
        yield spare
    finally:
        spare.close()


@pytest.fixture
def valve(ingest: Ingest) -> Iterator[Valve]:
    """A breakable line to the ingest."""
    with Valve(ingest.port) as valve:
        yield valve


@pytest.fixture
def neverdark(tmp_path: Path) -> Iterator[Launch]:
    """Starts a neverdark with the given streams and top-level keys; what is left running is ended and examined."""
    with ExitStack() as running:

        def launch(streams: dict[str, object], **top: object) -> Neverdark:
            return running.enter_context(Neverdark(tmp_path / "neverdark", streams, **top))

        yield launch


@pytest.fixture
def unstarted(tmp_path: Path) -> Iterator[Launch]:
    """The same, for tests that have something to do before the start."""
    with ExitStack() as made:

        def make(streams: dict[str, object], **top: object) -> Neverdark:
            running = Neverdark(tmp_path / "neverdark", streams, **top)
            made.push(running)
            return running

        yield make


@pytest.fixture(params=["debian", "wheel"])
def ffmpeg(request: pytest.FixtureRequest) -> str:
    """Both FFmpegs, for what FFmpeg's version may change: Debian's 5.1 on PATH and the wheel's 9.0."""
    found = shutil.which("ffmpeg") if request.param == "debian" else imageio_ffmpeg.get_ffmpeg_exe()
    assert found, "no FFmpeg on PATH"
    return str(found)


@pytest.fixture
def youtube() -> Iterator[FakeYouTube]:
    """YouTube, in this process, with the machine's time; fails the test where a request was ill-formed."""
    with FakeYouTube() as fake:
        yield fake
