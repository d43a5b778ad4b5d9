"""Subscriptions over a real kernel and scripted workers, on every backend."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import (
    InvalidArgumentError,
    InvalidStateError,
    OverflowPolicy,
    Subscription,
    TransportError,
)

if TYPE_CHECKING:
    from tests.conftest import MakeBus, WorkerPool

# Tells each of its parameters in a notification, then answers.
TELLS = """
for m in lines:
    for item in m.get("params", []):
        send({"jsonrpc": "2.0", "method": "told", "sessionId": m["sessionId"], "params": [item]})
    answer(m, {"sessionId": "agent-" + m["sessionId"]})
"""


async def taken(subscription: Subscription) -> list[Any]:
    return [notification["params"][0] async for notification in subscription]


@pytest.mark.req("SDK-SUB-01", "SDK-SUB-05")
async def test_every_subscriber_receives_every_notification_in_order(
    make_stdiobus: MakeBus, worker: WorkerPool
) -> None:
    bus = await make_stdiobus([worker(TELLS)])
    subscriptions = [bus.subscribe(), bus.subscribe("w"), bus.subscribe_notifications()]
    waiting = asyncio.ensure_future(subscriptions[0].__anext__())
    await asyncio.sleep(0)
    await bus.request("m", [1, 2, 3])
    assert (await waiting)["params"] == [1]
    for subscription in subscriptions:
        bus.unsubscribe(subscription)
    await bus.request("m", [4])
    assert [await taken(each) for each in subscriptions] == [[2, 3], [1, 2, 3], [1, 2, 3]]


@pytest.mark.req("SDK-SUB-02", "SDK-SUB-03")
@pytest.mark.parametrize(
    ("policy", "kept", "dropped"),
    [
        (OverflowPolicy.DROP_OLDEST, [3, 4], 2),
        (OverflowPolicy.DROP_NEWEST, [1, 2], 2),
        ("close", [1, 2], 1),
    ],
)
async def test_what_does_not_fit_is_treated_as_the_policy_says_and_counted(
    make_stdiobus: MakeBus, worker: WorkerPool, policy: OverflowPolicy | str, kept: list[int], dropped: int
) -> None:
    bus = await make_stdiobus([worker(TELLS)])
    full, roomy = bus.subscribe(overflow_policy=policy, max_queue=2), bus.subscribe()
    await bus.request("m", [1, 2, 3, 4])
    assert full.dropped == dropped
    assert full.closed == (policy == "close")
    full.close()
    roomy.close()
    assert await taken(full) == kept
    assert (await taken(roomy), roomy.dropped) == ([1, 2, 3, 4], 0)


@pytest.mark.req("SDK-SUB-03")
@pytest.mark.parametrize(("overflow", "closed"), [("drop", False), ("close", True)])
async def test_the_published_names_of_the_policies_work(
    make_stdiobus: MakeBus, worker: WorkerPool, overflow: str, closed: bool
) -> None:
    bus = await make_stdiobus([worker(TELLS)])
    subscription = bus.subscribe_notifications(max_queue=1, overflow=overflow)
    await bus.request("m", [1, 2])
    assert subscription.closed == closed
    subscription.close()
    assert await taken(subscription) == [1]


@pytest.mark.req("SDK-SUB-05")
async def test_a_pools_subscription_receives_the_sessions_used_with_it(
    make_stdiobus: MakeBus, worker: WorkerPool
) -> None:
    bus = await make_stdiobus([worker(TELLS, "a"), worker(TELLS, "b")])
    of_a, of_b, of_all = bus.subscribe("a"), bus.subscribe("b"), bus.subscribe(None)
    await bus.request("a", ["default a"])
    await bus.request("b", ["default b"])
    await bus.request("m", ["named"], pool="b", session_id="s")
    await bus.request("m", ["known"], session_id="s")
    for subscription in (of_a, of_b, of_all):
        subscription.close()
    assert await taken(of_a) == ["default a"]
    assert await taken(of_b) == ["default b", "named", "known"]
    assert await taken(of_all) == ["default a", "default b", "named", "known"]


@pytest.mark.req("SDK-SUB-05")
async def test_a_session_that_the_agent_named_belongs_to_its_pool(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    code = """
    m = next(lines)
    answer(m, {"sessionId": "agent"})
    send({"jsonrpc": "2.0", "method": "told", "params": {"sessionId": "agent"}})
    answer(next(lines), {})
    next(lines, None)
    """
    bus = await make_stdiobus([worker(TELLS, "a"), worker(code, "b")])
    of_a, of_b = bus.subscribe("a"), bus.subscribe("b")
    await bus.request("b")
    await bus.request("b")
    of_a.close()
    of_b.close()
    assert [n async for n in of_a] == []
    assert [n["params"] async for n in of_b] == [{"sessionId": "agent"}]


@pytest.mark.req("SDK-SUB-05")
async def test_a_session_in_the_params_of_a_request_belongs_to_its_pool(
    make_stdiobus: MakeBus, worker: WorkerPool
) -> None:
    code = """
    m = next(lines)
    send({"jsonrpc": "2.0", "method": "told", "params": {"sessionId": "inner"}})
    answer(m, {})
    next(lines, None)
    """
    bus = await make_stdiobus([worker(TELLS, "a"), worker(code, "b")])
    of_a, of_b = bus.subscribe("a"), bus.subscribe("b")
    await bus.request("b", {"sessionId": "inner"})
    of_a.close()
    of_b.close()
    assert [n async for n in of_a] == []
    assert [n["params"] async for n in of_b] == [{"sessionId": "inner"}]


@pytest.mark.req("SDK-SUB-05")
@pytest.mark.parametrize("how", ["stop", "destroy"])
async def test_the_end_of_the_bus_ends_them_after_what_is_buffered(
    make_stdiobus: MakeBus, worker: WorkerPool, how: str
) -> None:
    bus = await make_stdiobus([worker(TELLS)])
    buffered, waiting = bus.subscribe(), asyncio.ensure_future(taken(bus.subscribe()))
    await bus.request("m", [1, 2])
    if how == "stop":
        await bus.stop()
    else:
        bus.destroy()
    assert await taken(buffered) == await waiting == [1, 2]
    with pytest.raises(TransportError):
        bus.subscribe()


@pytest.mark.req("SDK-CAN-03", "SDK-SUB-05")
@pytest.mark.parametrize("how", ["close", "unsubscribe", "overflow"])
async def test_one_that_has_ended_is_not_kept(make_stdiobus: MakeBus, worker: WorkerPool, how: str) -> None:
    bus = await make_stdiobus([worker(TELLS)])
    other, subscription = bus.subscribe(), bus.subscribe(overflow_policy="close", max_queue=1)
    if how == "close":
        subscription.close()
    elif how == "unsubscribe":
        bus.unsubscribe(subscription)
        bus.unsubscribe(subscription)
    else:
        await bus.request("m", [1, 2])
    assert subscription.closed
    assert bus._inbound.subscriptions == [other]


@pytest.mark.parametrize(
    "arguments", [{"max_queue": 0}, {"max_queue": "1"}, {"overflow_policy": "burn"}, {"pool": "elsewhere"}]
)
async def test_arguments_that_cannot_work_are_refused_by_name(
    make_stdiobus: MakeBus, worker: WorkerPool, arguments: dict[str, Any]
) -> None:
    bus = await make_stdiobus([worker(TELLS)])
    with pytest.raises(InvalidArgumentError, match=next(iter(arguments))):
        bus.subscribe(**arguments)


async def test_two_tasks_may_not_iterate_one_subscription(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(TELLS)])
    subscription = bus.subscribe()
    waiting = asyncio.ensure_future(taken(subscription))
    await asyncio.sleep(0)
    with pytest.raises(InvalidStateError, match="one task"):
        await taken(subscription)
    subscription.close()
    assert await waiting == []
