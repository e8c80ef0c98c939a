"""Hostile pieces: texts, numbers, JSON, bytes, and ways to spoil what is right."""

import json
import random
from typing import Any

from hypothesis import strategies as st

from tests.unit.helpers import hostile_text

TEXTS = [
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "NaN",
    "9" * 25,
    "9" * 400,
    "٣",
    "²",
    "true",
    "null",
    "[]",
    "\x00",
    "a\x00b",
    "\x1b[2J",
    "\x7f\x85\u2028\u202e",
    "\ud800",
    "\udfff\ud800",
    "İßǅ",
    "☃😀",
    "\ufeff",
    "%",
    "_%",
    "%00",
    "%ff%fe",
    "%u0000",
    "'",
    '"><script>alert(1)</script>',
    "' OR 1=1 --",
    "\\",
    "{{ 7|add:7 }}",
    "{% debug %}",
    "%(x)s %s {0}",
    "../../../../etc/passwd",
    "/etc/localtime",
    "\r\nSet-Cookie: a=b",
    "a" * 300,
    "é" * 3_000,
    "testapp.Walk",
    "STARTED",
    "FINISHED_OK",
    "ffff",
    "auth.User",
    "__class__",
    "owner__password",
    "de",
    "zh-hant-x-y",
    "Europe/Berlin",
    "Europe",
    "2026-13-45",
]

NUMBERS = [
    "0",
    "-0",
    "1",
    "-1",
    "1e999",
    "-1e999",
    "1e-999",
    "NaN",
    "Infinity",
    "1.5",
    "9" * 18,
    "9" * 20,
    "-" + "9" * 40,
    "1" + "0" * 4_000,
    "9" * 5_000,
]


def spoiled(chance: random.Random, text: str) -> str:
    """Return a text with something wrong with it: cut, doubled, swapped, or a part replaced."""
    at = chance.randrange(len(text) + 1)
    end = chance.randrange(at, len(text) + 1)
    return chance.choice(
        [
            text[:at],
            text[at:],
            text[:at] + chance.choice(TEXTS) + text[at:],
            text[:at] + text[end:],
            text[:at] + text[at:end].swapcase() + text[end:],
            text[:at] + text[at:end][::-1] + text[end:],
            text + text,
            f" {text}\n",
        ]
    )


def text(chance: random.Random, *known: str) -> str:
    """Return a text: hostile, known, or a known one that is spoiled."""
    kind = chance.random()
    if known and kind < 0.35:
        return chance.choice(known)
    if known and kind < 0.5:
        return spoiled(chance, chance.choice(known))
    if kind < 0.95:
        return chance.choice(TEXTS)
    return "".join(chr(chance.randrange(0xD800)) for _ in range(chance.randrange(40)))


# The same for hypothesis.

texts = st.sampled_from(TEXTS) | hostile_text

numbers = st.sampled_from(NUMBERS)


def json_object(pairs: list[tuple[str, str]]) -> str:
    """Return an object with members as they are given, in JSON already; keys may stand twice."""
    return "{" + ",".join(f"{key}:{value}" for key, value in pairs) + "}"


json_texts: st.SearchStrategy[str] = st.recursive(
    numbers | texts.map(json.dumps) | st.sampled_from(["true", "false", "null", "{}", "[]"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
        | st.lists(st.tuples(texts.map(json.dumps), inner), max_size=3).map(json_object)
    ),
    max_leaves=5,
)
"""What JSON can say and Python cannot: numbers beyond all bounds, keys that stand twice."""

nested = st.builds(
    lambda opening, depth: opening * depth,
    st.sampled_from(["[", '{"a":', '[{"subscribe":', '{"subscribe":{"op":']),
    st.integers(1, 900),
)


def known_or(known: list[Any], other: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return JSON that is one of the known values, or else something else."""
    return st.sampled_from([json.dumps(value) for value in known]) | other
