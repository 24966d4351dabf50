"""The fake of YouTube, with its clock standing still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.youtube.asking import NOW, Asker
from tests.youtube.clock import Clock
from tests.youtube.fake import FakeYouTube


@pytest.fixture
def youtube() -> Iterator[FakeYouTube]:
    """Fails the test where a request was ill-formed."""
    with FakeYouTube(clock=Clock(lambda: NOW)) as fake:
        yield fake


@pytest.fixture
def asker(youtube: FakeYouTube) -> Iterator[Asker]:
    """Somebody who is logged in."""
    asker = Asker(youtube)
    with asker.session:
        yield asker
