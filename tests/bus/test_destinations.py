from __future__ import annotations

import pytest

from pytest_stdiobus.bus import InvalidArgumentError, RequestOptions
from pytest_stdiobus.bus import destinations as destinations_module
from pytest_stdiobus.bus.destinations import Destination, Destinations


def test_the_only_pool_needs_no_name() -> None:
    destinations = Destinations(("w",))
    assert destinations.choose("anything", None, None, None) == (destinations.client_session_id, "w")


def test_each_pool_has_a_session_of_its_own() -> None:
    destinations = Destinations(("a", "b"))
    assert destinations.choose("m", "a", None, None) == (destinations.client_session_id, "a")
    assert destinations.choose("m", "b", None, None) == (f"{destinations.client_session_id}:b", "b")


def test_a_method_that_equals_a_pool_names_it() -> None:
    destinations = Destinations(("a", "b"))
    assert destinations.choose("b", None, None, None).session.endswith(":b")


def test_a_session_keeps_the_pool_it_was_used_with() -> None:
    destinations = Destinations(("a", "b"))
    destinations.used(destinations.choose("m", "b", "s1", None))
    assert destinations.choose("unknown", None, "s1", None) == ("s1", "b")


def test_an_unclear_pool_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidArgumentError, match="a, b"):
        Destinations(("a", "b")).choose("m", None, None, None)


def test_an_unknown_pool_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidArgumentError, match="a, b"):
        Destinations(("a", "b")).choose("m", "c", None, None)


def test_the_session_of_the_options_wins() -> None:
    assert Destinations(("w",)).choose("m", None, "argument", RequestOptions(session_id="option")).session == "option"


def test_the_session_that_was_used_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destinations_module, "_MAX_SESSIONS", 2)
    destinations = Destinations(("p", "q"))
    for session in ("a", "b", "a", "c"):
        destinations.used(Destination(session, "q"))
    assert [destinations.pool_of(session) for session in ("a", "b", "c")] == ["q", None, "q"]
