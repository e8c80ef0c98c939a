"""Whatever people read is marked: the text of templates, and the sentences in the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import Field
from django.template.base import Lexer, TokenType
from django.utils.functional import Promise

PACKAGE = Path(__file__).resolve().parents[2] / "liveops"
TEMPLATES = PACKAGE / "templates"
NAMES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))

_SHOWN = "title|placeholder|aria-label|alt|hx-confirm|data-text-[\\w-]+"
_ATTRIBUTE = re.compile(rf'\b(?:{_SHOWN})="([^"]*)')
_LETTERS = re.compile(r"[^\W\d_]")


def bare(source: str) -> str:
    """Return a template without what stands in tags and variables, or between tags to translate."""
    found, is_inside = [], False
    for token in Lexer(source).tokenize():
        if token.token_type is TokenType.BLOCK:
            name = token.contents.split()[0]
            is_inside = name == "blocktranslate" or (is_inside and name != "endblocktranslate")
        if token.token_type is TokenType.TEXT:
            found.append("" if is_inside else token.contents)
        else:
            found.append("\x00")  # so that attributes stay whole
    return "".join(found)


def unmarked(source: str) -> list[str]:
    """Return what people would read of a template that is not marked."""
    text = bare(source)
    found = [value for value in _ATTRIBUTE.findall(text) if _LETTERS.search(value)]
    outside = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", "\x00", text, flags=re.S)
    return found + [one.strip() for one in outside.split("\x00") if _LETTERS.search(one)]


@pytest.mark.parametrize("name", NAMES)
def test_every_text_of_a_template_is_marked(name: str) -> None:
    assert unmarked((TEMPLATES / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>{{ a }} words</p>", ["words"]),
        ('<p title="a {{ b }}">{{ c }}</p>', ["a \x00"]),
        ("{% if a %}{% else %}b{% endif %}", ["b"]),
        ("{% translate 'a' %}<br>{% blocktranslate %}b {{ c }} d{% endblocktranslate %}e", ["e"]),
        ('<p class="a"{% if b %} data-c{% endif %} id="d-{{ e }}">{{ f }}, ↓</p>', []),
    ],
    ids=["text", "attribute", "branch", "between", "none"],
)
def test_a_text_that_is_not_marked_is_found(source: str, found: list[str]) -> None:
    assert unmarked(source) == found


def test_every_field_and_class_that_people_see_has_a_name_of_its_own() -> None:
    for model in apps.get_app_config("liveops").get_models():
        assert isinstance(model._meta.verbose_name, Promise), model
        assert isinstance(model._meta.verbose_name_plural, Promise), model
    fields = apps.get_model("liveops", "LiveOperation")._meta.local_fields
    plain = [one.name for one in fields if not isinstance(own_name(one), Promise)]
    assert plain == ["id"]


def own_name(field: "Field[object, object]") -> object:
    return field._verbose_name  # type: ignore[attr-defined]


# Where what is said reaches people: the log, the status and the error of an operation, a page.
_SINKS = {"log", "status", "error", "add_line", "add_message"}
_REFUSALS = {"InvalidStateError", "TooManyRunningError"}
_REFUSING = ("control.py", "limits.py", "store", "views")
# They speak to whoever operates the site or writes its code, in English as Django does there.
_OPERATORS = ("management", "checks", "scripts", "migrations", "commands", "contrib", "terminal")
_MISTAKES = {"progress/handle.py": "result() was called again"}


def sayings(path: Path, *, refuses: bool = False) -> Iterator[tuple[int, str]]:
    """Yield the literal sentences that code hands to something which shows them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        function = node.func
        is_sink = isinstance(function, ast.Attribute) and function.attr in _SINKS
        is_refusal = isinstance(function, ast.Name) and function.id in _REFUSALS and refuses
        if not (is_sink or is_refusal):
            continue
        for argument in node.args:
            for text in literals(argument):
                if re.search(r"[^\W\d_]+ [^\W\d_]+", text) and not text.startswith("liveops: "):
                    yield node.lineno, text


def literals(node: ast.expr) -> Iterator[str]:
    """Yield the text of a literal, also of one that is put together."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield from (text for value in node.values for text in literals(value))
    elif isinstance(node, ast.BinOp):
        yield from (*literals(node.left), *literals(node.right))


def modules() -> list[str]:
    paths = (path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py")))
    return [path.as_posix() for path in paths if path.parts[0] not in _OPERATORS]


def test_no_sentence_reaches_people_unmarked() -> None:
    found = [
        f"{name}:{number}: {text}"
        for name in modules()
        for number, text in sayings(PACKAGE / name, refuses=name.startswith(_REFUSING))
        if not text.startswith(_MISTAKES.get(name, "\x00"))
    ]
    assert found == []


def test_a_sentence_that_is_not_marked_is_found(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text(
        'p.log("two words")\np.log(_("two words"))\nlogger.error("liveops: two words")\n'
        'raise InvalidStateError(f"two words {3}")\n'
    )
    assert list(sayings(source)) == [(1, "two words")]
    assert list(sayings(source, refuses=True)) == [(1, "two words"), (4, "two words ")]
