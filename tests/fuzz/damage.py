"""Files as they come from others: valid ones with a few bytes cut, changed, moved or put in."""

from hypothesis import strategies as st

# What parsers have stumbled over: numbers beyond all bounds, other types, control characters, ends of strings.
NASTY = [
    b"NaN", b"-Infinity", b"1e999", b"-1", b"0", b"9" * 30, b"null", b"true", b"[]", b"{}", b'"', b"'", b"\\", b"\x00",
    b"\xff\xfe", b"\n", b"\r", b",", b"=", b"../", b"/", "\u202e".encode(), "é".encode(), b"\xed\xa0\x80", b"]" * 50,
    b"[" * 2000, b"%s", b"A" * 5000,
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, valid: bytes) -> bytes:
    """The bytes of a valid file after one to four accidents."""
    data = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([1, 2, 4, 8, 50, 1000])))
        accident = draw(st.sampled_from(["cut", "remove", "replace", "insert", "repeat", "flip"]))
        if accident == "cut":
            del data[start:]
        elif accident == "remove":
            del data[start:end]
        elif accident == "replace":
            data[start:end] = draw(st.sampled_from(NASTY))
        elif accident == "insert":
            data[start:start] = draw(st.sampled_from(NASTY) | st.binary(max_size=8))
        elif accident == "repeat":
            data[start:start] = data[start:end] * draw(st.integers(1, 3))
        else:
            data[start:end] = bytes(byte ^ draw(st.integers(1, 255)) for byte in data[start : min(end, start + 8)])
    return bytes(data)
