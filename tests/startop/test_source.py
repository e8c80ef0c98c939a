"""Something is added to a file that somebody wrote, in the style that it has."""

import ast

import pytest

from liveops.startop.source import Source
from liveops.startop.text import literal

IMPORT = ("liveops.models", "LiveOperation")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", "from liveops.models import LiveOperation\n", id="an-empty-file"),
        pytest.param(
            "from django.db import models\n\n# Create your models here.\n",
            "from django.db import models\nfrom liveops.models import LiveOperation\n\n"
            "# Create your models here.\n",
            id="behind-django",
        ),
        pytest.param(
            "import os\n\nx = 1\n",
            "import os\n\nfrom liveops.models import LiveOperation\n\nx = 1\n",
            id="a-group-of-its-own",
        ),
        pytest.param(
            "import os\n\nfrom .base import Base\n",
            "import os\n\nfrom liveops.models import LiveOperation\n\nfrom .base import Base\n",
            id="above-relative-ones",
        ),
        pytest.param(
            "from zoo import Lion\n",
            "from liveops.models import LiveOperation\nfrom zoo import Lion\n",
            id="by-the-alphabet",
        ),
        pytest.param(
            '"""Models."""\n\nclass A:\n    pass\n',
            '"""Models."""\n\nfrom liveops.models import LiveOperation\n\n\nclass A:\n    pass\n',
            id="below-the-docstring",
        ),
        pytest.param(
            "# Of the shop.\nx = 1\n",
            "# Of the shop.\nfrom liveops.models import LiveOperation\n\nx = 1\n",
            id="below-comments",
        ),
        pytest.param(
            "from django.db import (\n    models,\n)\nx = 1",
            "from django.db import (\n    models,\n)\n"
            "from liveops.models import LiveOperation\nx = 1\n",
            id="behind-several-lines",
        ),
    ],
)
def test_an_import_stands_where_it_belongs(before: str, after: str) -> None:
    source = Source(before)
    source.add_import(*IMPORT)
    assert source.text == after
    source.add_import(*IMPORT)
    assert source.text == after, "once is enough"


def test_what_python_brings_comes_before_all_others() -> None:
    source = Source("from __future__ import annotations\n\nfrom django.db import models\n")
    source.add_import("time")
    assert source.text == (
        "from __future__ import annotations\n\nimport time\n\nfrom django.db import models\n"
    )


def test_an_import_under_another_name_is_none() -> None:
    source = Source("from liveops.models import LiveOperation as Base\n")
    source.add_import(*IMPORT)
    assert source.text.count("LiveOperation") == 2


def test_indents_follow_the_file() -> None:
    source = Source("x = 'a'\n\n\ndef f():\n\treturn 'b'\n")
    source.append("class A:\n    def g(self):\n        return 1\n")
    assert source.text.endswith("\n\n\nclass A:\n\tdef g(self):\n\t\treturn 1\n")
    assert source.quote == "'"


@pytest.mark.parametrize(
    ("text", "quote", "written"),
    [
        ("Load", '"', '"Load"'),
        ("Load", "'", "'Load'"),
        ("It's", "'", '"It\'s"'),
        ('Say "so"', '"', "'Say \"so\"'"),
        ("""It's "so\"""", '"', '"It\'s \\"so\\""'),
        ("a\\b", "'", "'a\\\\b'"),
    ],
)
def test_a_text_is_written_as_python_reads_it(text: str, quote: str, written: str) -> None:
    assert literal(text, quote) == written
    assert ast.literal_eval(written) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from m import A\n", "from m import A, LiveOperation\n"),
        (
            "from m import Zoo, run  # of them\n",
            "from m import LiveOperation, Zoo, run  # of them\n",
        ),
        ("from m import ALL, b\n", "from m import ALL, LiveOperation, b\n"),
        ("from m import z, A\n", "from m import z, A, LiveOperation\n"),
        (
            "from m import (\n    A,  # one\n    Z,\n)\n",
            "from m import (\n    A,  # one\n    LiveOperation,\n    Z,\n)\n",
        ),
        (
            "from m import (\n    A,\n    B,  # two\n)\n",
            "from m import (\n    A,\n    B,  # two\n    LiveOperation,\n)\n",
        ),
        (
            "from m import (\n    A,\n    B\n)\n",
            "from m import (\n    A,\n    B,\n    LiveOperation\n)\n",
        ),
        ("from m import (A, B,)\n", "from m import (A, B, LiveOperation,)\n"),
        ("from m import A, \\\n    B\n", "from m import A, \\\n    B, LiveOperation\n"),
        ("é = 1; from m import A\n", "é = 1; from m import A, LiveOperation\n"),
        ("from m import *\n", "from m import *\nfrom m import LiveOperation\n"),
        ("from .m import A\n", "from m import LiveOperation\n\nfrom .m import A\n"),
    ],
)
def test_a_name_joins_those_from_its_module(before: str, after: str) -> None:
    source = Source(before)
    source.add_import("m", "LiveOperation")
    assert source.text == after


@pytest.mark.parametrize(
    "text",
    [
        "import os\r\n\r\nx = 1\ny = 2\r\n",
        "import os\n\nx = 1\r\ny = 2\n",
        "import os\r\rx = 1\ny = 2\r",
        "\ufeffimport os\nx = '\x0c'  # \u2028\n",
        "\ufeff",
    ],
    ids=["mostly-crlf", "mostly-lf", "mostly-cr", "mark", "mark-alone"],
)
def test_what_is_there_keeps_its_bytes(text: str) -> None:
    source = Source(text)
    source.add_import(*IMPORT)
    source.append("z = 3\n")
    rest = iter(source.text.splitlines(keepends=True))
    assert all(line in rest for line in text.splitlines(keepends=True) if line.strip("\ufeff"))
    assert source.text.startswith("\ufeff") is text.startswith("\ufeff")
    ast.parse(source.text.removeprefix("\ufeff"))


def test_line_endings_stay() -> None:
    source = Source("import os\r\n\r\nx = 1\r\n")
    source.add_import(*IMPORT)
    source.append("y = 2\n")
    assert source.text.count("\r\n") == source.text.count("\n") == 8


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('__all__ = ["A"]\n', '__all__ = ["A", "B"]\n'),
        ("__all__ = ('A', )\n", "__all__ = ('A', 'B', )\n"),
        ("__all__ = []\n", '__all__ = ["B"]\n'),
        ("__all__ = ()\n", '__all__ = ("B",)\n'),
        ('__all__ = [\n    "Ä",\n]\n', '__all__ = [\n    "Ä",\n    "B",\n]\n'),
        ('__all__ = ["A"] + more\n', '__all__ = ["A"] + more\n'),
        ("x = 1\n", "x = 1\n"),
    ],
    ids=["list", "tuple", "empty-list", "empty-tuple", "lines", "computed", "none"],
)
def test_a_list_of_public_names_grows(before: str, after: str) -> None:
    source = Source(before)
    source.add_to_all("B")
    assert source.text == after


@pytest.mark.parametrize(
    "before",
    [
        "import B",
        "import B.c",
        "from x import y as B",
        "class B: pass",
        "def B(): pass",
        "async def B(): pass",
        "B = 1",
        "B: int = 1",
        "a, (B, *c) = d",
        "for B in a: pass",
        "with a as B: pass",
        "if a:\n    import B\nelse:\n    pass",
        "try:\n    pass\nexcept E as B:\n    pass",
        "match a:\n    case {'b': [*B]}: pass",
        "match a:\n    case {**B}: pass",
        "(B := 1)",
    ],
)
def test_a_name_that_means_something_is_seen(before: str) -> None:
    assert Source(before).binds("B")
    assert not Source(before).binds("C")


@pytest.mark.parametrize(
    "before", ["def f():\n    B = 1", "x = [B for B in a]", "lambda B: B", "B"]
)
def test_a_name_that_means_something_elsewhere_is_not(before: str) -> None:
    assert not Source(before).binds("B")


@pytest.mark.parametrize(
    ("before", "has_another", "takes"),
    [
        ("import time", False, True),
        ("import time as time", False, True),
        ("import asyncio as time", True, False),
        ("from time import time", True, False),
        ("import time\ntime = None", True, True),
        ("try:\n    import time\nexcept ImportError:\n    time = None", True, False),
        ("if a:\n    import time", False, False),
        ("import timeit", False, False),
    ],
)
def test_what_a_name_means_is_known(before: str, has_another: bool, takes: bool) -> None:
    source = Source(before)
    assert source.has_another("time", ("time", "")) is has_another
    assert source.takes("time") is takes


def test_what_is_no_python_is_refused() -> None:
    with pytest.raises(SyntaxError):
        Source("def")
