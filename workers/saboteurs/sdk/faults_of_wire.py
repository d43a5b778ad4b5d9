"""Faults in what is written (SDK-WIR)."""

from __future__ import annotations

import itertools
import re
import uuid
from dataclasses import replace
from typing import Any

from patches import fault, in_place_of

from pytest_stdiobus.bus import AsyncStdioBus, BusConfig, HelloParams, PoolConfig, handshake, messages
from pytest_stdiobus.bus.calls import CallTable
from pytest_stdiobus.bus.destinations import Destination, Destinations
from pytest_stdiobus.bus.life import BusLife

_MIB = 1024 * 1024
_LIMITS = {"max_input_buffer": 10 * _MIB, "max_output_queue": 40 * _MIB, "max_restarts": 5, "restart_window_sec": 60}


def _snake(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key): _snake(item) for key, item in value.items()}


@fault
def numbers_as_ids() -> None:
    """Numbers are the ids of its requests."""

    @in_place_of(BusLife, "_line")
    def line(usual: Any, self: Any, message: Any) -> Any:
        is_request = "id" in message and "method" in message
        return usual(self, {**message, "id": int(message["id"])} if is_request else message)

    @in_place_of(CallTable, "answer")
    def answer(usual: Any, self: Any, message: Any) -> Any:
        return usual(self, {**message, "id": str(message.get("id"))})


@fault
def uses_ids_again() -> None:
    """An id that was answered is used again."""

    @in_place_of(AsyncStdioBus, "_send_request")
    def send_request(usual: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        self._ids = iter([next(n for n in itertools.count(1) if str(n) not in self._calls._calls)])
        return usual(self, *arguments, **named)


@fault
def writes_null_for_no_parameters() -> None:
    """Parameters that were not given are written as null."""

    @in_place_of(messages, "_complete")
    def complete(usual: Any, *arguments: Any) -> Any:
        return {"params": None, **usual(*arguments)}


@fault
def leaves_out_empty_parameters() -> None:
    """Parameters without members are left out."""

    @in_place_of(messages, "_complete")
    def complete(usual: Any, message: Any, params: Any, *more: Any) -> Any:
        return usual(message, params or None, *more)


@fault
def says_no_version() -> None:
    """The version of JSON-RPC is left out."""

    @in_place_of(messages, "_complete")
    def complete(usual: Any, *arguments: Any) -> Any:
        return {key: value for key, value in usual(*arguments).items() if key != "jsonrpc"}


@fault
def writes_an_extension_unasked() -> None:
    """Every message has an extension, were it empty."""

    @in_place_of(messages, "_complete")
    def complete(usual: Any, *arguments: Any) -> Any:
        return {"_ext": {}, **usual(*arguments)}


@fault
def gives_notifications_ids() -> None:
    """A notification has an id as a request has."""

    @in_place_of(messages, "notification")
    def notification(usual: Any, *arguments: Any, **named: Any) -> Any:
        return {**usual(*arguments, **named), "id": f"n-{uuid.uuid4().hex}"}


@fault
def prefers_the_argument() -> None:
    """The session of the argument wins over that of the options."""

    @in_place_of(Destinations, "given")
    def given(usual: Any, self: Any, session: Any, options: Any) -> Any:
        return session or usual(self, session, options)


@fault
def makes_a_session_for_each_call() -> None:
    """A call without a session gets a new one."""

    @in_place_of(Destinations, "choose")
    def choose(usual: Any, self: Any, method: str, pool: Any, session: Any, options: Any) -> Destination:
        to: Destination = usual(self, method, pool, session, options)
        return to if self.given(session, options) else to._replace(session=f"client-{uuid.uuid4().hex}")


@fault
def calls_its_session_default() -> None:
    """The session of the client's own has the same name in every client."""

    @in_place_of(Destinations, "__init__")
    def begin(usual: Any, self: Any, pools: Any) -> None:
        usual(self, pools)
        self.client_session_id = "default"
        self._only = self._only and self._only._replace(session="default")


@fault
def forgets_the_session_of_streams() -> None:
    """A stream is on the client's own session, whichever was named."""

    @in_place_of(AsyncStdioBus, "stream_request")
    def stream_request(usual: Any, *arguments: Any, **named: Any) -> Any:
        options = named.get("options")
        named["options"] = options and replace(options, session_id=None)
        return usual(*arguments, **{**named, "session_id": None})


@fault
def writes_names_as_python_does() -> None:
    """The members of an extension have the names of Python's attributes."""

    @in_place_of(messages, "_complete")
    def complete(usual: Any, *arguments: Any) -> Any:
        message = usual(*arguments)
        return {**message, "_ext": _snake(message["_ext"])} if "_ext" in message else message


@fault
def writes_null_for_what_is_absent() -> None:
    """What an extension does not say is written as null."""

    @in_place_of(messages, "_complete")
    def complete(usual: Any, *arguments: Any) -> Any:
        message = usual(*arguments)
        if "audit" in message.get("_ext", {}):
            message["_ext"]["audit"].setdefault("outcome", None)
        return message


@fault
def puts_the_agent_into_the_extension() -> None:
    """The agent is named in the extension, not at the top."""

    @in_place_of(messages, "_complete")
    def complete(usual: Any, *arguments: Any) -> Any:
        message = usual(*arguments)
        if "agentId" in message:
            message.setdefault("_ext", {})["agentId"] = message.pop("agentId")
        return message


@fault
def offers_in_the_names_of_python() -> None:
    """The offer of a handshake has the names of Python's attributes."""

    @in_place_of(HelloParams, "to_dict")
    def to_dict(usual: Any, self: Any) -> Any:
        return _snake(usual(self))


@fault
def takes_its_own_version_for_agreed() -> None:
    """The version that was offered is taken for the one that was agreed on."""

    @in_place_of(handshake, "read_result")
    def read_result(usual: Any, result: Any, offered: Any) -> Any:
        return replace(usual(result, offered), negotiated_protocol_version=offered.protocol_version)


@fault
def agrees_with_anything() -> None:
    """Whatever a peer answers is an agreement."""

    @in_place_of(handshake, "read_result")
    def read_result(usual: Any, result: Any, offered: Any) -> Any:
        sound = result if isinstance(result, dict) else {}
        return usual({"negotiatedProtocolVersion": "", **sound}, HelloParams(offered.protocol_version))


@fault
def hands_on_that_hello_is_unknown() -> None:
    """That a peer does not know the handshake is an error of the peer's, and no failure to agree."""

    @in_place_of(handshake, "refused")
    def refused(_usual: Any, _error: Any) -> None:
        return None


@fault
def requires_every_extension() -> None:
    """An extension that may lack is treated as one that is required."""

    @in_place_of(handshake, "read_result")
    def read_result(usual: Any, result: Any, offered: Any) -> Any:
        required = {name: replace(extension, required=True) for name, extension in offered.extensions.items()}
        return usual(result, replace(offered, extensions=required))


@fault
def writes_limits_that_are_not_set() -> None:
    """Limits that nobody set are written with what is thought to be their defaults."""

    @in_place_of(BusConfig, "to_dict")
    def to_dict(usual: Any, self: Any) -> Any:
        document = usual(self)
        return {**document, "limits": {**_LIMITS, **document.get("limits", {})}}


@fault
def asks_for_one_worker() -> None:
    """Every pool has one worker, however many were asked for."""

    @in_place_of(PoolConfig, "to_dict")
    def to_dict(usual: Any, self: Any) -> Any:
        return {**usual(self), "instances": 1}


@fault
def names_a_pool_unasked() -> None:
    """The pool of a message is written, whether it was named or not."""

    @in_place_of(AsyncStdioBus, "_send_request")
    def send_request(usual: Any, *arguments: Any, to: Destination, pool: Any, **named: Any) -> Any:
        return usual(*arguments, to=to, pool=pool or to.pool, **named)


@fault
def uses_one_session_for_all_pools() -> None:
    """The client's own session is the same with every pool."""

    @in_place_of(Destinations, "session_with")
    def session_with(_usual: Any, self: Any, _pool: str) -> Any:
        return self.client_session_id


@fault
def writes_no_pool_for_streams() -> None:
    """A stream does not write the pool that was named for it."""

    @in_place_of(AsyncStdioBus, "_send_request")
    def send_request(usual: Any, self: Any, loop: Any, waiter: Any, on_chunk: Any, *more: Any, **named: Any) -> Any:
        pool = named.pop("pool") if on_chunk is None else named.pop("pool") and None
        return usual(self, loop, waiter, on_chunk, *more, pool=pool, **named)


@fault
def writes_no_pool_for_requests() -> None:
    """A request does not write the pool that was named for it."""

    @in_place_of(AsyncStdioBus, "request")
    async def request(usual: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        method, pool = arguments[0], named.pop("pool", None)
        to = self._destinations.choose(method, pool, named.get("session_id"), named.get("options"))
        return await usual(self, *arguments, **{**named, "session_id": to.session})
