"""When a channel's public page is looked at, and for how long it has shown what it shows."""

from __future__ import annotations

from supervisor.platforms.youtube.model import Page
from supervisor.platforms.youtube.pages import Pages


class Scene:
    def __init__(self) -> None:
        self.now = 100.0
        self.page = Page.LIVE
        self.asked: list[str] = []
        self.pages = Pages(self._ask, lambda: self.now)

    def _ask(self, channel: str) -> Page:
        self.asked.append(channel)
        return self.page

    def run(self, seconds: float) -> int:
        """Returns how often it was asked meanwhile."""
        before, until = len(self.asked), self.now + seconds
        while (due := max(self.pages.due, self.now)) < until:
            self.now = due
            self.pages.look()
        self.now = until
        return len(self.asked) - before


def test_each_channel_is_asked_at_its_own_pace() -> None:
    scene = Scene()
    scene.pages.follow([("A", 60.0), ("B", 120.0), ("A", 300.0)])
    assert scene.run(600) == 15
    assert scene.asked.count("A") == 10
    scene.pages.follow([("B", 120.0)])
    assert scene.run(600) == 5


def test_what_tells_nothing_is_asked_ever_more_rarely_up_to_a_bound() -> None:
    scene = Scene()
    scene.pages.follow([("A", 60.0)])
    scene.page = Page.UNKNOWN
    assert scene.run(3600) < 10
    assert scene.run(16 * 60 * 10) == 10
    scene.page = Page.LIVE
    scene.run(16 * 60)
    assert scene.run(600) == 10


def test_how_long_it_has_been_so() -> None:
    scene = Scene()
    scene.pages.follow([("A", 60.0)])
    assert scene.pages.shows("A") == (Page.UNKNOWN, 0.0)
    scene.run(600)
    assert scene.pages.shows("A") == (Page.LIVE, 600.0)
    scene.page = Page.NOT_LIVE
    scene.run(300)
    assert scene.pages.shows("A") == (Page.NOT_LIVE, 300.0)
