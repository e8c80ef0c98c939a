"""List what others may rely on, one promise a line: ``make api`` writes the listing.

What is public is said in one place: by the ``__all__`` of the modules named here. Of a public
class those members are that the documents name. A test compares the listing with the code.
"""

import ast
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import django
from django.apps import apps
from django.core.management import BaseCommand, load_command_class

from scripts import signatures

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, DOCS = ROOT / "liveops", ROOT / "docs"
LISTING = DOCS / "reference" / "public-api.txt"

MODULES = (
    "liveops.access",
    "liveops.admin",
    "liveops.commands",
    "liveops.control",
    "liveops.exceptions",
    "liveops.layers",
    "liveops.lifespan",
    "liveops.models",
    "liveops.progress",
    "liveops.progress.pumps",
    "liveops.reaping",
    "liveops.rights",
    "liveops.routing",
    "liveops.runners.base",
    "liveops.runners.executor",
    "liveops.scripts",
    "liveops.signals",
    "liveops.stages.states",
    "liveops.states",
    "liveops.testing",
    "liveops.views",
)
"""The public modules; each says by ``__all__`` which of its names are."""

_HEAD = """\
What others may rely on, one promise a line. Written by `make api`; do not edit it.
A line that changes or goes is a breaking change: docs/explanation/deprecation.md says how that is
done. A line that is added is a feature. Both are named in CHANGELOG.md.
"""
_CODE = re.compile(r"^ *```\w*\n(.*?)^ *```$|`+([^`\n]+)`+", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Return the documents that make promises."""
    return sorted([ROOT / "README.md", *DOCS.rglob("*.md")])


def code_in_documents() -> list[str]:
    """Return what the documents show as code, in lines and in blocks."""
    texts = (page.read_text(encoding="utf-8") for page in pages())
    return [block or span for text in texts for block, span in _CODE.findall(text)]


def python_names() -> dict[str, list[str]]:
    """Return the public names of each public module.

    Raises:
        AttributeError: a module says nothing of what is public, or has not what it says.
    """
    return {name: sorted(import_module(name).__all__) for name in MODULES}


def _python() -> Iterator[str]:
    code = "\n".join(code_in_documents())
    words = set(re.findall(r"\w+", code))
    public = {
        f"{module}.{name}": getattr(import_module(module), name)
        for module, names in python_names().items()
        for name in names
    }
    classes = [value for value in public.values() if isinstance(value, type)]
    for name, value in public.items():
        # How a class is made is a promise where the documents make one.
        is_made = re.search(rf"\b{name.rpartition('.')[2]}\(", code)
        counted = words | {"__init__"} if is_made else words - {"__init__"}
        yield from signatures.describe(name, value, counted, classes)


def _settings() -> Iterator[str]:
    for field in fields(import_module("liveops.conf").Settings):
        kind = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", "")
        shown = kind if kind and "[" not in str(field.type) else str(field.type)
        yield f"{field.name}: {shown.replace('collections.abc.', '')} = {field.default!r}"


def _tags() -> Iterator[str]:
    library = import_module("liveops.templatetags.liveops").register
    yield from (f"{{% {name} %}}" for name in library.tags)
    yield from (f"{{{{ …|{name} }}}}" for name in library.filters)


def _commands() -> Iterator[str]:
    common = {
        option
        for action in BaseCommand().create_parser("", "")._actions
        for option in action.option_strings or [action.dest]
    }
    for path in (PACKAGE / "management" / "commands").glob("[a-z]*.py"):
        yield path.stem
        command = load_command_class("liveops", path.stem)
        for action in command.create_parser("manage.py", path.stem)._actions:
            names = action.option_strings or [action.dest]
            if not common & set(names):
                yield f"{path.stem} {', '.join(names)}"


def _addresses() -> Iterator[str]:
    for pattern in import_module("liveops.urls").urlpatterns:
        yield f"liveops:{pattern.name} /{pattern.pattern}"
    yield f"the socket {import_module('liveops.protocol').SOCKET_PATH}"


def _checks() -> Iterator[str]:
    for path in PACKAGE.rglob("*.py"):
        yield from re.findall(r"liveops\.[EIW]\d{3}", path.read_text(encoding="utf-8"))


def _templates() -> Iterator[str]:
    text = (DOCS / "reference" / "templates.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"^\| `(\S+\.html)` \|.*?\| (.*) \|$", text, re.MULTILINE))
    folder = PACKAGE / "templates" / "liveops"
    for path in folder.rglob("*.html"):
        name = path.relative_to(folder).as_posix()
        yield f"liveops/{name}"
        for variable in re.findall(r"`(\w+)`", said.get(name, "")):
            yield f"liveops/{name} {variable}"


def _wire() -> Iterator[str]:
    text = (DOCS / "reference" / "wire.md").read_text(encoding="utf-8")
    yield from (f"key {key}" for key in re.findall(r'(?<!: )"(\w+)"(?=:|`)', text))
    for name, value in vars(import_module("liveops.protocol")).items():
        if name.isupper() and isinstance(value, int) and 4000 <= value < 5000 and name[:3] != "MAX":
            yield f"close code {value}"


def _page() -> Iterator[str]:
    patterns = {
        "class": r"(?<![\w-])\.?(liveops?-[a-z][a-z-]*[a-z])(?![\w.-])",
        "attribute": r"(?<![\w-])(data-liveops?(?:-[a-z]+)*)(?![\w-])",
        "custom property": r"(--liveop-[a-z-]*[a-z])",
        "event": r"(?<![\w-])(liveop:[a-z]+)",
        "id": r"(?<![\w-])#((?:op|liveops)-[a-z]+)(?![\w-])",
    }
    scripts = " ".join(path.stem for path in (PACKAGE / "static" / "liveops").glob("*.*"))
    code = code_in_documents()
    for kind, pattern in patterns.items():
        for name in {name for text in code for name in re.findall(pattern, text)}:
            if kind != "class" or name not in scripts.split():
                yield f"{kind} {name}"
    javascript = (DOCS / "reference" / "javascript.md").read_text(encoding="utf-8")
    for name in re.findall(r"\bliveops\.([a-zA-Z]+)\b(?!\.)", javascript):
        if name not in {"js", "css"}:
            yield f"window.liveops.{name}"


def _tables() -> Iterator[str]:
    for model in apps.get_app_config("liveops").get_models():
        for field in model._meta.local_concrete_fields:
            yield f"{model._meta.db_table}.{field.column}: {field.get_internal_type()}"


def _observed() -> Iterator[str]:
    for path in (PACKAGE / "contrib").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        yield from (f"metric {name}" for name in re.findall(r'"(liveops_[a-z_]+)"', text))
        yield from (f"attribute {name}" for name in re.findall(r'"(liveops\.[a-z_.]+)"', text))


def _fixtures() -> Iterator[str]:
    tree = ast.parse((PACKAGE / "testing" / "plugin.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any(
            "pytest.fixture" in ast.unparse(it) for it in node.decorator_list
        ):
            yield node.name


_SECTIONS: dict[str, tuple[Callable[[], Iterator[str]], bool]] = {
    "Python": (_python, False),
    "Keys of the setting LIVEOPS": (_settings, True),
    "Template tags and filters": (_tags, True),
    "Commands and their options": (_commands, True),
    "Addresses": (_addresses, True),
    "System checks": (_checks, True),
    "Templates and what they are given": (_templates, True),
    "Frames": (_wire, True),
    "The page": (_page, True),
    "Tables and their columns": (_tables, True),
    "Metrics and attributes of spans": (_observed, True),
    "Fixtures of pytest": (_fixtures, True),
}


def listing() -> str:
    """Return the listing as it should be."""
    parts = [_HEAD]
    for title, (read, is_sorted) in _SECTIONS.items():
        lines = list(dict.fromkeys(read()))
        parts.append("\n".join([f"[{title}]", *(sorted(lines) if is_sorted else lines)]) + "\n")
    return "\n".join(parts)


def main() -> int:
    """Write the listing; return 0."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    LISTING.write_text(listing(), encoding="utf-8")
    print(LISTING.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
