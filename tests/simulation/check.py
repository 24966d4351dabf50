"""What every check is."""

from __future__ import annotations

from typing import Any

from supervisor.model.snapshot import Snapshot
from tests.simulation.lives import End
from tests.simulation.scene import Scene


class Check:
    """One thing that must hold; its name is that of a class that the command prints."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.world = scene.world

    @property
    def name(self) -> str:
        """As it is printed: `BackInTime` is back_in_time."""
        letters = (f"_{letter.lower()}" if letter.isupper() else letter for letter in type(self).__name__)
        return "".join(letters).lstrip("_")

    def fail(self, text: str) -> None:
        """It does not hold."""
        self.scene.fail(self.name, text)

    def hear(self, fact: Any) -> None:
        """Something happened; the engine is in the middle of it."""

    def second(self) -> None:
        """A second is over."""

    def minute(self, snapshot: Snapshot) -> None:
        """A minute is over."""

    def life_over(self, how: End) -> None:
        """neverdark has ended; another one will come."""

    def life_begins(self) -> None:
        """There is another one, which has not done anything yet."""

    def end(self) -> None:
        """The engine has stopped for good."""
