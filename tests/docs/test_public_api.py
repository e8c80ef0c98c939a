"""The listing of what others may rely on is that of the code, and the documents name all of it."""

import ast
import difflib
import re

import pytest

from scripts import public_api, signatures
from tests.docs.test_docs import PAGES, blocks

ADVICE = """
What others rely on has changed. If that is meant:
1. `make api`, and read what changed in docs/reference/public-api.txt.
2. A line that went or changed is a breaking change: docs/explanation/deprecation.md says how long
   the old way has to go on, and which number of the version changes. Only new lines: a feature.
3. Say so in CHANGELOG.md.
"""


def test_the_listing_is_that_of_the_code() -> None:
    kept = public_api.LISTING.read_text(encoding="utf-8").splitlines()
    change = difflib.unified_diff(kept, public_api.listing().splitlines(), "kept", "now", n=0)
    found = "\n".join(change)
    assert not found, f"{found}\n{ADVICE}"


def test_the_documents_name_whatever_can_be_imported() -> None:
    words = {word for code in public_api.code_in_documents() for word in re.findall(r"\w+", code)}
    unnamed = [
        f"{module}.{name}"
        for module, names in public_api.python_names().items()
        for name in names
        if name not in words
    ]
    assert not unnamed, f"Name them in docs/reference, or take them out of __all__: {unnamed}"


def test_what_the_documents_import_is_public() -> None:
    public = public_api.python_names()
    imported = {
        (node.module, alias.name)
        for page in PAGES
        for text in blocks(page, "python")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "liveops"
        for alias in node.names
    }
    assert imported
    modules = {("liveops", name.rpartition(".")[2]) for name in public if name.count(".") == 1}
    strange = [it for it in sorted(imported - modules) if it[1] not in public.get(it[0] or "", ())]
    assert not strange, f"Put them into __all__, and their module into MODULES: {strange}"


class Base:
    hidden = 1

    def shown(self, number: "int | None" = None) -> "Base":
        return self


class Public(Base):
    """Something.

    Attributes:
        first, second: two of them.
        third: with more
            than a line.
    """

    async def later(self, *names: str) -> list["Base"]:
        return []

    @property
    def ready(self) -> bool:
        return True

    def _private(self) -> None: ...


@pytest.fixture
def is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "_PACKAGE", __name__.partition(".")[0])


@pytest.mark.usefixtures("is_ours")
def test_a_class_is_described_with_what_it_inherits() -> None:
    named = {"shown", "first", "second", "later", "ready", "_private"}
    assert list(signatures.describe("it.Public", Public, named, [])) == [
        "class it.Public()",
        "value it.Public.first",
        "async def it.Public.later(self, *names: str) -> list[Base]",
        "property it.Public.ready -> bool",
        "value it.Public.second",
        "def it.Public.shown(self, number: int | None=None) -> Base",
    ]


@pytest.mark.usefixtures("is_ours")
def test_a_public_base_is_named() -> None:
    assert next(signatures.describe("it.Public", Public, (), [Base])) == "class it.Public(Base)"
