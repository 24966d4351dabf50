"""Which streams are configured, from where, and what another configuration changes."""

from __future__ import annotations

from dataclasses import replace

from supervisor.desired.catalogue import Catalogue, Change
from supervisor.desired.plan import DestinationSpec, StreamSpec
from supervisor.model.policies import Policies


def spec(name: str, *destinations: str) -> StreamSpec:
    known = tuple(DestinationSpec(one, "rtmp://…", True, None, Policies(), None) for one in destinations)
    return StreamSpec(name, True, (), known, frozenset(), is_command=False)


def specs(*names: str) -> dict[str, StreamSpec]:
    return {name: spec(name) for name in names}


def test_the_first_configuration_adds_all_and_says_where_they_come_from() -> None:
    catalogue = Catalogue()
    assert catalogue.replace(specs("b", "a")) == Change(("b", "a"), (), ())
    assert list(catalogue) == ["b", "a"], "in the order of the file"
    assert {entry.origin for entry in catalogue.values()} == {"file"}


def test_another_one_is_compared_with_the_one_before() -> None:
    catalogue = Catalogue()
    catalogue.replace(specs("a", "b", "c"))
    new = specs("new", "c", "a")
    new["a"] = replace(new["a"], enabled=False)
    assert catalogue.replace(new) == Change(added=("new",), removed=("b",), changed=("a",))
    assert list(catalogue) == ["new", "c", "a"]
    assert not catalogue["a"].spec.enabled


def test_the_same_again_changes_nothing() -> None:
    catalogue = Catalogue()
    catalogue.replace(specs("a", "b"))
    assert catalogue.replace(specs("b", "a")) == Change((), (), ()), "a place in the file is no change"


def test_each_source_changes_its_own_and_programs_that_announce_themselves_come_last() -> None:
    catalogue = Catalogue()
    catalogue.announce(specs("show"))
    assert catalogue.replace(specs("a", "b"), {"b"}) == Change(("a", "b"), (), ())
    assert catalogue.announce(specs("show", "more")) == Change(("more",), (), ())
    assert catalogue.replace(specs("b")) == Change((), ("a",), ())
    origins = [(name, entry.origin) for name, entry in catalogue.items()]
    assert origins == [("b", "file"), ("show", "external"), ("more", "external")]
    changed = {"show": replace(spec("show"), enabled=False)}
    assert catalogue.announce(changed) == Change((), ("more",), ("show",))
    assert catalogue.announce({}) == Change((), ("show",), ())
    assert list(catalogue) == ["b"]


def test_every_destination_is_known_with_its_stream() -> None:
    catalogue = Catalogue()
    catalogue.replace({"a": spec("a", "youtube", "twitch"), "b": spec("b", "youtube")})
    assert catalogue.destinations() == [("a", "youtube"), ("a", "twitch"), ("b", "youtube")]
