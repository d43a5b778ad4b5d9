"""Strategies for the shapes of messages: what `schemas/message` and `schemas/config` allow, and where kernels differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    Message = dict[str, Any]

# Spellings of ids; some are one value: they have to be compared as values, and passed on as they are.
IDS = (
    *("1", "2", '"1"', '"a"', "0", "-7", '""', '"é"', "9007199254740993", "9007199254740992"),
    *("1.0", "1e0", "10E-1", "-0", '"\\u0061"', '"\\u00e9"', '"\\ud83d\\ude00"', '"😀"', "9007199254740993.0"),
)
SESSIONS = ("s", "t", 'ü "3"')
_TEXTS = ("", "x", '"quoted" and \\', "line\nfeed", "é😀", "\x7f\u2028")
_LOOKALIKES = (
    {"sessionId": "elsewhere", "id": 1},
    {"method": "m", "pool": "nowhere"},
    {"pool": "v"},
    ['{"id":1}', {"result": []}],
)
_NO_OBJECT, _NO_JSON = "KRN-FRM-03", "KRN-FRM-05"
NO_MESSAGES = {  # each with the requirement that it is refused
    **dict.fromkeys(("x", "[]", "1", '"text"', "null", "{", '{"jsonrpc":"2.0"', "\x00"), _NO_OBJECT),
    **dict.fromkeys(('{"jsonrpc":"2.0","method":"m","params":[NaN]}', "{'jsonrpc':'2.0','method':'m'}"), _NO_JSON),
    **dict.fromkeys(('{"jsonrpc":"2.0","method":"m","params":[1,]}', '{"jsonrpc":"2.0","method":"m"}}'), _NO_JSON),
    '{"jsonrpc":"2.0","method":"m\\x41"}': _NO_JSON,
}
STRIPPED = {"envelope": "strip"}
SIMPLEST_POOLS = [{"id": "w", "worker": "scripted", "instances": 1}]
LARGEST = 200_000  # three times what a pipe holds


def ids() -> SearchStrategy[str]:
    """Ids as they are spelled in a line; mostly few, so that clients use the same."""
    return st.one_of(st.sampled_from(IDS[:2]), st.sampled_from(IDS))


def sessions() -> SearchStrategy[str]:
    """Session ids; few, so that clients meet in them."""
    return st.sampled_from(SESSIONS)


def params() -> SearchStrategy[Any]:
    """Parameters: objects and arrays, with texts that need escapes, and with what looks like a member of the envelope."""
    texts = st.sampled_from(_TEXTS)
    return st.one_of(
        st.just({}),
        texts.map(lambda text: {"text": text}),
        texts.map(lambda text: [text]),
        st.sampled_from(_LOOKALIKES),
    )


def extras() -> SearchStrategy[Message]:
    """Members beside those that JSON-RPC and the bus know, or none."""
    return st.sampled_from(
        (
            {},
            {"agentId": "a1"},
            {"_ext": {"identity": {"subjectId": "u", "role": "r", "assertedBy": "a"}}},
            {"more": [1, {}]},
        )
    )


def requests() -> SearchStrategy[Message]:
    """Requests, with a session or without."""
    return _calls({"id": ids().map(json.loads)})


def notifications() -> SearchStrategy[Message]:
    """Notifications, with a session or without."""
    return _calls({})


def responses() -> SearchStrategy[Message]:
    """Responses with a result."""
    return _messages({"id": ids().map(json.loads), "result": st.one_of(st.none(), st.booleans(), params())})


def errors() -> SearchStrategy[Message]:
    """Responses with an error."""
    error = st.fixed_dictionaries(
        {"code": st.sampled_from((-32601, -32000, 1)), "message": st.sampled_from(_TEXTS)}, optional={"data": params()}
    )
    return _messages({"id": ids().map(json.loads), "error": error})


def pools() -> SearchStrategy[list[Message]]:
    """The pools of a configuration, whose workers are the kit's; a few are shown no members of the bus."""
    counts = st.sampled_from(((1,), (1, 1), (2,), (2, 1), (3,), (1, 2)))
    shown = st.tuples(*[st.sampled_from(({}, {}, {}, {}, STRIPPED))] * 2)
    return st.builds(
        lambda counts, shown: [
            {"id": name, "worker": "scripted", "instances": count, **more}
            for name, count, more in zip("wv", counts, shown, strict=False)
        ],
        *(counts, shown),
    )


def no_messages() -> SearchStrategy[str]:
    """Lines that are no message."""
    return st.sampled_from(tuple(NO_MESSAGES))


def sizes() -> SearchStrategy[int]:
    """How many bytes a message is longer than it had to be: mostly none, sometimes more than a pipe holds."""
    return st.one_of(st.just(0), st.sampled_from((1000, 4096, 65_535, 65_536, 70_000, LARGEST)))


def splits() -> SearchStrategy[int]:
    """Of how many bytes a write is."""
    return st.sampled_from((1, 2, 3, 7, 64))


def _calls(required: dict[str, SearchStrategy[Any]]) -> SearchStrategy[Message]:
    return _messages({**required, "method": st.sampled_from(("m", "session/prompt", "é"))}, {"params": params()})


def _messages(
    required: dict[str, SearchStrategy[Any]], optional: dict[str, SearchStrategy[Any]] | None = None
) -> SearchStrategy[Message]:
    members = st.fixed_dictionaries(
        {"jsonrpc": st.just("2.0"), **required}, optional={**(optional or {}), "sessionId": sessions()}
    )
    return st.builds(lambda message, more: {**message, **more}, members, extras())
