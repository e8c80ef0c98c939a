"""What is masked in texts: values in all their forms, patterns, and nothing else."""

import json
import re
import shlex
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from liveops.progress.redaction import MASK, NOTHING, Redactor, checked_values, compiled
from tests.unit.helpers import hostile_text

KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n}\nkqhkiG9w0BAQ==\n-----END KEY-----\n"


def redactor(*values: str, patterns: tuple[str, ...] = ()) -> Redactor:
    made = Redactor(compiled(patterns))
    made.add(checked_values(values))
    return made


def fits(value: str) -> bool:
    return any(len(line.strip()) >= 4 for line in value.splitlines())


values = st.one_of(st.text("ab*'\"\\ %", min_size=4, max_size=8), hostile_text).filter(fits)
around = st.text("ab*'\"\\ %\n", max_size=12) | hostile_text


@given(st.lists(values, min_size=1, max_size=4), st.data())
@example(["****", "a***"], None)
def test_no_value_is_left_in_a_masked_text(secrets: list[str], data: Any) -> None:
    mask = redactor(*secrets).mask
    if data is None:
        text = "".join(f"a*{one}*{one}" for one in secrets)
    else:
        pieces = data.draw(st.lists(around | st.sampled_from(secrets), max_size=8))
        text = "".join(pieces)
    masked = mask(text)
    for secret in secrets:
        assert secret.strip() not in masked
        for line in secret.splitlines():
            assert len(line.strip()) < 4 or line.strip() not in masked
    assert mask(masked) == masked


@given(st.lists(values, min_size=1, max_size=3), around)
def test_what_is_no_value_stays(secrets: list[str], text: str) -> None:
    made = redactor(*secrets)
    if not any(form in text for group in made._groups for form in group):
        assert made.mask(text) == text
    assert made.mask(f"x{secrets[0].strip()}x") != f"x{secrets[0].strip()}x"


@pytest.mark.promise("secrets-forms")
@given(values, st.text("ab'\" \\", max_size=4))
def test_a_value_is_masked_in_every_form(value: str, before: str) -> None:
    (part, *_) = (line.strip() for line in value.splitlines() if len(line.strip()) >= 4)
    data = part.encode("utf-8", "surrogatepass")
    shown = [
        repr(before + part),
        ascii([before, part]),
        repr({before.encode(): data}),
        json.dumps({before: part}),
        json.dumps([part, before], ensure_ascii=False),
        shlex.join(["curl", f"--password={part}"]),
        f"https://user:{quote(data, safe='')}@host/{quote(data)}?q={quote_plus(data)}",
        f"https://host/{quote(data, safe='').lower()}" if "%" in quote(data) else "",
    ]
    mask = redactor(value).mask
    for text in shown:
        masked = mask(text)
        assert part not in masked
        for form in (repr(part)[1:-1], json.dumps(part)[1:-1], quote(data, safe="")):
            assert form not in masked


def test_of_values_in_each_other_and_across_each_other_nothing_is_left() -> None:
    mask = redactor("hunter22", "hunter22-and-more", "more-of-it").mask
    assert mask("hunter22-and-more-of-it, hunter22!") == f"{MASK}, {MASK}!"


def test_a_value_of_several_lines_is_masked_line_by_line_and_as_a_whole() -> None:
    mask = redactor(KEY).mask
    assert mask(f"key: {KEY.strip()}.") == f"key: {MASK}."
    assert mask(repr(KEY)) == f"'{MASK}\\n'"
    lines = [mask(line) for line in KEY.splitlines()]
    assert lines == [MASK, MASK, "}", MASK, MASK]  # a short one alone says nothing


def test_whitespace_around_a_value_does_not_keep_it_from_being_masked() -> None:
    assert redactor("hunter22\n").mask("login hunter22 failed") == f"login {MASK} failed"


@pytest.mark.parametrize(
    ("pattern", "text", "masked"),
    [
        (r"password=(\S+)", "password=abc user=x", "password=*** user=x"),
        (r"sk_\w+", "key sk_12 and sk_345", "key *** and ***"),
        (r"token=(?:'(\w+)'|\w+)", "token=abc token='def'", "*** token='***'"),
        (r"(?i)bearer (\S+)", "Bearer xyz\nnext", "Bearer ***\nnext"),
        (r"\bpin=(\d*)", "pin= and pin=12", "pin= and pin=***"),
        (r"(?s)-----BEGIN.*?END KEY-----", f"a {KEY} b", "a ***\n b"),
    ],
)
def test_of_a_pattern_the_first_group_is_masked_or_all_of_it(
    pattern: str, text: str, masked: str
) -> None:
    made = redactor(patterns=(pattern,))
    assert made.is_active
    assert not made.has_values
    assert made.mask(text) == masked
    assert made.mask(masked) == masked


def test_patterns_are_compiled_once() -> None:
    (first,) = compiled((r"once-\d+",))
    assert compiled((r"once-\d+",)) == (first,)
    assert compiled((r"once-\d+",))[0] is first
    assert isinstance(first, re.Pattern)


def test_without_anything_to_mask_a_text_comes_back_itself() -> None:
    text = "nothing here"
    assert not NOTHING.is_active
    assert NOTHING.mask(text) is text
    assert Redactor().with_values((), text).mask(text) is text


def test_values_for_one_text_do_not_stay() -> None:
    made = redactor("hunter22", patterns=(r"sk_\w+",))
    more = made.with_values({"swordfish"}, "hunter22 swordfish sk_1")
    assert more.mask("hunter22 swordfish sk_1") == "*** *** ***"
    assert made.mask("hunter22 swordfish sk_1") == "*** swordfish ***"


def test_of_values_for_one_text_only_those_are_kept_that_stand_in_it() -> None:
    lines = "\n".join(f"row {number} of a 'file'" for number in range(20_000))
    more = Redactor().with_values({lines, "x" * 1_000_000}, "bad: \"row 77 of a 'file'\"")
    assert more.mask("bad: \"row 77 of a 'file'\"") == 'bad: "***"'
    assert sum(map(len, more._groups)) <= 5


def test_values_that_are_named_one_by_one_are_compiled_in_few_groups() -> None:
    made = Redactor()
    for number in range(1_000):
        made.add([f"token-{number:04}-of-the-shop"])
    assert [len(group) for group in made._groups] == [512, 256, 128, 64, 32, 8]
    text = " ".join(f"token-{number:04}-of-the-shop" for number in range(1_000))
    assert made.mask(text) == " ".join([MASK] * 1_000)
    assert made.unfinished("with token-07") == len("token-07")
    made.add(["token-0001-of-the-shop"])  # one that is known makes no new group
    assert len(made._groups) == 6


def test_across_groups_the_longest_value_counts_too() -> None:
    made = Redactor()
    made.add(["hunter22-and-more", "other-value"])
    made.add(["hunter22"])
    made.add(["more-of-it"])
    assert made.mask("hunter22-and-more-of-it") == MASK


@pytest.mark.parametrize(
    ("given_values", "error", "words"),
    [
        ("hunter22", TypeError, "several strings"),
        (b"hunter22", TypeError, "several strings"),
        (7, TypeError, "several strings"),
        (["right", 12345], TypeError, "Item 1 of secrets must be a string; got int"),
        ([b"hunter22"], TypeError, "Item 0 of secrets must be a string; got bytes"),
        ([None], TypeError, "got NoneType"),
        ([""], ValueError, "Item 0 of secrets is empty"),
        ([" \n\t"], ValueError, "Item 0 of secrets is empty"),
        (["xyz"], ValueError, "shorter than 4 characters"),
        ([" xyz \n"], ValueError, "shorter than 4 characters"),
        (["a\nb\nc\nd"], ValueError, "shorter than 4 characters"),
    ],
    ids=lambda value: None if isinstance(value, str) else "case",
)
def test_what_cannot_be_masked_is_refused_without_being_shown(
    given_values: object, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as raised:
        checked_values(given_values)
    assert "xyz" not in str(raised.value)
    assert "hunter22" not in str(raised.value)


@given(st.text("ab", min_size=4, max_size=6), st.text("ab", max_size=10))
def test_the_beginning_of_a_value_at_the_end_of_a_text_is_known(value: str, text: str) -> None:
    held = redactor(value).unfinished(text)
    ends = [n for n in range(len(value)) if text.endswith(value[:n])]
    assert held == max(ends)


def test_one_text_of_millions_of_characters_is_searched_in_one_go() -> None:
    """Twice the length takes about twice the time: counted in searches, not in seconds."""
    made = redactor("hunter22", patterns=(r"password=(\S+)", r"\d{4,}"))
    text = "7" * 2_000_000 + " password=" + "x" * 2_000_000 + " hunter22"
    assert made.mask(text) == "*** password=*** ***"
