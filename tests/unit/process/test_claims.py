"""Never two publishers on one key, not even while one is on its way out; and nobody waits for a stranger."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

from supervisor.model.terms import Role
from supervisor.process.claims import Claims
from supervisor.process.slot import Slot


@dataclass(eq=False)
class Place:
    """A process' place, as far as claims look at it."""

    key: SimpleNamespace
    spec: SimpleNamespace
    status: SimpleNamespace
    alive: bool = False

    def release(self) -> None:
        """Would try again."""


def place(role: Role, *target: str) -> Place:
    namespace = SimpleNamespace
    return Place(namespace(role=role), namespace(claim=target), namespace(run=1, wanted=True))


def starts(claims: Claims, slot: Place) -> bool:
    slot.alive = claims.claim(cast("Slot", slot))
    return slot.alive


def test_two_pushers_of_one_key_wait_for_each_other() -> None:
    claims = Claims()
    one, two = place(Role.PUSHER, "url", "key"), place(Role.PUSHER, "url", "key")
    assert starts(claims, one)
    assert not starts(claims, two)
    assert claims.held == {cast("Slot", two)}
    one.alive = False
    claims.release()
    assert claims.held == set()
    assert starts(claims, two)


def test_encoders_do_nothing_that_another_could_not_do_too() -> None:
    """One that is on its way out, and takes its time, must not hold up the encoder of another stream."""
    claims = Claims()
    leaving, crashed = place(Role.ENCODER), place(Role.ENCODER)
    assert starts(claims, leaving)
    leaving.status.wanted = False
    assert starts(claims, crashed)


def test_a_command_waits_only_for_its_like_that_is_going() -> None:
    claims = Claims()
    one, two = place(Role.COMMAND, "sh", "-c", "x"), place(Role.COMMAND, "sh", "-c", "x")
    assert starts(claims, one)
    assert starts(claims, two)
    two.status.wanted = False
    assert not starts(claims, one)


def test_what_nobody_does_any_more_is_forgotten() -> None:
    claims = Claims()
    one = place(Role.PUSHER, "url", "key")
    assert starts(claims, one)
    one.alive = False
    claims.forget_the_dead()
    assert claims._owners == {}
