from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_stdiobus.bus.backends.lines import LineReader

# Bytes that come often enough in every order; the others are all alike.
STREAMS = st.lists(st.sampled_from([b"\n", b"a", b"\xc3", b"\xa9", b"\r"])).map(b"".join)


@given(STREAMS, st.data())
def test_lines_do_not_depend_on_how_the_stream_was_cut(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    reader, lines = LineReader(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        lines += reader.feed(stream[start:end])
    *expected, rest = stream.split(b"\n")
    assert lines == [line for line in expected if line]
    assert reader.rest() == rest
    assert reader.rest() == b""
