"""One order to several streams: who gets it, in which order, and that the loop is free in between."""

from __future__ import annotations

import asyncio

from supervisor.desired.catalogue import Catalogue
from supervisor.desired.plan import StreamSpec
from supervisor.model.selection import Selection
from supervisor.model.snapshot import Refused, StreamAnswer, Wanted
from supervisor.stream.ordering import order_all


def spec(name: str, group: str | None, **labels: str) -> StreamSpec:
    return StreamSpec(name, True, (), (), frozenset(), is_command=False, group=group, labels=tuple(labels.items()))


class Streams:
    """Take an order, unless they refuse it."""

    def __init__(self) -> None:
        self.catalogue = Catalogue()
        known = [spec("c", "lobby", site="berlin"), spec("a", "lobby", site="bonn"), spec("b", None, site="berlin")]
        self.catalogue.replace({one.name: one for one in known})
        self.given: list[str] = []

    def order(self, name: str) -> Wanted | None:
        self.given.append(name)
        if name == "a":
            raise Refused("not now")
        return Wanted(True, "operator", "operator", 1.0, None)

    def ordered(self, *meant: Selection) -> dict[str, StreamAnswer]:
        return {one.stream: one for one in asyncio.run(order_all(self.catalogue, meant, self.order))}


def test_each_is_answered_for_itself_in_the_order_of_the_configuration() -> None:
    streams = Streams()
    answers = streams.ordered(Selection(labels={"site": "berlin"}), Selection("a"), Selection("c"))
    assert list(answers) == streams.given == ["c", "a", "b"]
    assert answers["a"] == StreamAnswer("a", None, "not now")
    assert answers["b"].wanted


def test_a_group_and_labels_together() -> None:
    assert list(Streams().ordered(Selection(group="lobby", labels={"site": "berlin"}))) == ["c"]
    assert not Streams().ordered(Selection(group="roof"))


def test_of_a_name_that_is_none_nothing_is_done_to_the_others() -> None:
    streams = Streams()
    assert streams.ordered(Selection("b"), Selection("x"), Selection("y"), Selection("x")) == {
        "x": StreamAnswer("x"),
        "y": StreamAnswer("y"),
    }
    assert not streams.given


def test_the_loop_is_free_between_two_streams() -> None:
    streams = Streams()
    seen: list[int] = []

    async def look() -> None:
        while len(streams.given) < 3:
            seen.append(len(streams.given))
            await asyncio.sleep(0)

    async def both() -> None:
        everywhere = [Selection()]
        await asyncio.gather(look(), order_all(streams.catalogue, everywhere, streams.order))

    asyncio.run(both())
    assert seen == [0, 1, 2]


def test_one_that_goes_meanwhile_is_told() -> None:
    streams = Streams()
    answers = asyncio.run(order_all(streams.catalogue, [Selection("b")], lambda _: None))
    assert answers == (StreamAnswer("b", None, "it has gone meanwhile"),)
