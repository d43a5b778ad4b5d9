"""Faults in who gets which notifications (SDK-SUB)."""

from __future__ import annotations

import itertools
import json
from typing import Any

from patches import fault, in_place_of

from pytest_stdiobus.bus import AsyncStdioBus, OverflowPolicy, inbound
from pytest_stdiobus.bus.destinations import Destinations
from pytest_stdiobus.bus.inbound import Inbound
from pytest_stdiobus.bus.subscriptions import Subscription

_MOST = 1000


@fault
def loses_one_notification_in_three() -> None:
    """One of three notifications is lost."""
    count = itertools.count(1)

    @in_place_of(Inbound, "_publish")
    def publish(usual: Any, self: Any, message: Any) -> None:
        if next(count) % 3:
            usual(self, message)


@fault
def gives_each_notification_to_one() -> None:
    """The first subscriber takes the notifications away from the others."""

    @in_place_of(Inbound, "_publish")
    def publish(usual: Any, self: Any, message: Any) -> None:
        everyone, self.subscriptions = self.subscriptions, self.subscriptions[:1]
        usual(self, message)
        self.subscriptions = everyone


@fault
def publishes_requests() -> None:
    """The request of a worker is a notification, too."""

    @in_place_of(Inbound, "receive")
    def receive(usual: Any, self: Any, line: bytes) -> None:
        message = json.loads(line)
        if "method" in message and "id" in message:
            self._publish(message)
        usual(self, line)


@fault
def ends_all_subscribers_with_one() -> None:
    """When one subscriber gives up all of them end."""

    @in_place_of(AsyncStdioBus, "unsubscribe")
    def unsubscribe(_usual: Any, self: Any, _subscription: Any) -> None:
        self._inbound.end()


@fault
def publishes_when_it_is_asked_no_more() -> None:
    """Notifications wait until no request does."""
    waiting: list[Any] = []

    @in_place_of(Inbound, "_publish")
    def publish(_usual: Any, _self: Any, message: Any) -> None:
        waiting.append(message)

    @in_place_of(Inbound, "_answer")
    def answer(usual: Any, self: Any, message: Any) -> None:
        usual(self, message)
        outer = [(note, self._destinations.pool_of(note.get("sessionId"))) for note in waiting]
        waiting.clear()
        for subscription in tuple(self.subscriptions):
            for note, pool in outer:
                subscription.offer(note, pool)


@fault
def gives_newcomers_the_past() -> None:
    """A new subscriber gets what came before it."""
    past: list[Any] = []

    @in_place_of(Inbound, "_publish")
    def publish(usual: Any, self: Any, message: Any) -> None:
        past.append(message)
        usual(self, message)

    @in_place_of(AsyncStdioBus, "subscribe")
    def subscribe(usual: Any, *arguments: Any, **named: Any) -> Any:
        subscription = usual(*arguments, **named)
        for message in past:
            subscription.offer(message, subscription._pool)
        return subscription


@fault
def ends_all_subscribers_when_one_is_full() -> None:
    """A subscriber that is closed because it is full ends all of them."""

    @in_place_of(Subscription, "close")
    def close(usual: Any, self: Any) -> None:
        owner = getattr(self._forget, "__self__", None)
        if len(self._mailbox.items) >= self._max_queue and owner is not None:
            for other in tuple(owner.subscriptions):
                usual(other)
        usual(self)


@fault
def has_room_for_a_thousand() -> None:
    """No subscriber has room for more than a thousand notifications, whatever it asked for."""

    @in_place_of(AsyncStdioBus, "subscribe")
    def subscribe(usual: Any, *arguments: Any, max_queue: int = 256, **named: Any) -> Any:
        return usual(*arguments, max_queue=min(max_queue, _MOST), **named)


def _treats(policy: OverflowPolicy, as_if: OverflowPolicy) -> None:
    @in_place_of(Subscription, "__init__")
    def begin(usual: Any, self: Any, *arguments: Any) -> None:
        usual(self, *arguments)
        self._policy = as_if if self._policy is policy else self._policy


@fault
def drops_the_newest_for_the_oldest() -> None:
    """A full subscriber that drops the oldest drops the newest."""
    _treats(OverflowPolicy.DROP_OLDEST, OverflowPolicy.DROP_NEWEST)


@fault
def drops_all_that_is_old() -> None:
    """A full subscriber that drops the oldest drops all that waits."""

    @in_place_of(Subscription, "offer")
    def offer(usual: Any, self: Any, *arguments: Any) -> None:
        before = self._dropped
        usual(self, *arguments)
        if self._dropped > before and self._policy is OverflowPolicy.DROP_OLDEST:
            last = self._mailbox.items.pop()
            self._mailbox.items.clear()
            self._mailbox.items.append(last)


@fault
def drops_the_oldest_for_the_newest() -> None:
    """A full subscriber that drops the newest drops the oldest."""
    _treats(OverflowPolicy.DROP_NEWEST, OverflowPolicy.DROP_OLDEST)


@fault
def closes_no_subscriber() -> None:
    """A full subscriber that is to close goes on, without what did not fit."""
    _treats(OverflowPolicy.CLOSE, OverflowPolicy.DROP_NEWEST)


@fault
def closes_subscribers_too_soon() -> None:
    """A subscriber closes when it is full, before anything was lost."""

    @in_place_of(Subscription, "offer")
    def offer(usual: Any, self: Any, *arguments: Any) -> None:
        usual(self, *arguments)
        if self._policy is OverflowPolicy.CLOSE and len(self._mailbox.items) >= self._max_queue:
            self.close()


@fault
def counts_no_losses() -> None:
    """What was dropped is not counted."""

    @in_place_of(Subscription, "offer")
    def offer(usual: Any, self: Any, *arguments: Any) -> None:
        usual(self, *arguments)
        self._dropped = 0


@fault
def counts_the_losses_of_all() -> None:
    """Every subscriber tells what all of them together have lost."""
    lost = [0]

    @in_place_of(Subscription, "offer")
    def offer(usual: Any, self: Any, *arguments: Any) -> None:
        self._dropped = lost[0]
        usual(self, *arguments)
        lost[0] = self._dropped


@fault
def tells_handlers_of_notifications_everything() -> None:
    """A handler for notifications gets every line."""

    @in_place_of(Inbound, "receive")
    def receive(usual: Any, self: Any, line: bytes) -> None:
        if "id" in json.loads(line):
            inbound._call_each(self.on_notification, line.decode())
        usual(self, line)


@fault
def writes_lines_anew_for_handlers() -> None:
    """A handler gets the message as it is written here, not as it was sent."""

    @in_place_of(inbound, "_call_each")
    def call_each(usual: Any, handlers: Any, text: str) -> None:
        usual(handlers, json.dumps(json.loads(text)))


@fault
def knows_one_handler_of_each_kind() -> None:
    """A handler takes the place of the one before it."""

    @in_place_of(inbound, "_call_each")
    def call_each(usual: Any, handlers: Any, text: str) -> None:
        usual(handlers[-1:], text)


@fault
def throws_away_what_was_not_taken() -> None:
    """A subscriber that ends loses what it has not taken."""

    @in_place_of(Subscription, "close")
    def close(usual: Any, self: Any) -> None:
        self._mailbox.items.clear()
        usual(self)


@fault
def leaves_subscribers_waiting() -> None:
    """A subscriber that waits is not told that nothing follows."""

    @in_place_of(Subscription, "close")
    def close(_usual: Any, self: Any) -> None:
        self._mailbox._ended = True
        self._forget(self)


@fault
def goes_on_after_unsubscribe() -> None:
    """A subscriber that has given up still gets what comes."""

    @in_place_of(AsyncStdioBus, "unsubscribe")
    def unsubscribe(usual: Any, self: Any, subscription: Any) -> None:
        usual(self, subscription)
        self._inbound.subscriptions.append(subscription)

    @in_place_of(Subscription, "offer")
    def offer(usual: Any, self: Any, message: Any, pool: Any) -> None:
        if self.closed:
            self._mailbox.items.append(message)
        usual(self, message, pool)


@fault
def takes_all_pools_for_one() -> None:
    """A subscriber to a pool gets the notifications of every pool."""

    @in_place_of(Subscription, "offer")
    def offer(usual: Any, self: Any, message: Any, _pool: Any) -> None:
        usual(self, message, self._pool)


@fault
def knows_the_pools_of_its_own_sessions_only() -> None:
    """A subscriber to a pool gets nothing of a session that the caller named."""

    @in_place_of(Destinations, "pool_of")
    def pool_of(usual: Any, self: Any, session: Any) -> Any:
        return usual(self, session) if str(session).startswith(self.client_session_id) else None
