"""Hold the package to its architecture: imports go down, nothing circular, the core is pure."""

from pathlib import Path

import pytest

from scripts import architecture
from scripts.architecture import Source

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "liveops"
LINE_LIMIT = 300

# Imports go to the same layer or down. `package.*` is for modules without an entry of their own.
LAYERS = {
    # 0: pure words and machines
    "liveops": 0,
    "liveops.exceptions": 0,
    "liveops.naming": 0,
    "liveops.progress.agenda": 0,
    "liveops.progress.forecast": 0,
    "liveops.progress.rate": 0,
    "liveops.progress.redaction": 0,
    "liveops.progress.state": 0,
    "liveops.progress.text": 0,
    "liveops.progress.throttle": 0,
    "liveops.progress.update": 0,
    "liveops.progress.view": 0,
    "liveops.commands.*": 0,
    "liveops.scripts.*": 0,
    "liveops.stages.*": 0,
    "liveops.summary": 0,
    "liveops.states": 0,
    # 1: settings and what stands below the models
    "liveops.conf": 1,
    "liveops.fencing": 1,
    "liveops.lock_waits": 1,
    "liveops.outages": 1,
    "liveops.own_code": 1,
    "liveops.rights": 1,
    "liveops.signals": 1,
    # 2: what is stored and how it is shown
    "liveops.access": 2,
    "liveops.addresses": 2,
    "liveops.backpressure": 2,
    "liveops.server_send": 2,
    "liveops.failure_texts": 2,
    "liveops.guarded": 2,
    "liveops.ids": 2,
    "liveops.guarded_classes": 2,
    "liveops.shares": 2,
    "liveops.tokens": 2,
    "liveops.layers": 2,
    "liveops.limits": 2,
    "liveops.log_pages": 2,
    "liveops.models": 2,
    "liveops.numbers": 2,
    "liveops.overview": 2,
    "liveops.overview.*": 2,
    "liveops.pacing": 2,
    "liveops.parentage": 2,
    "liveops.protocol": 2,
    "liveops.redirects": 2,
    "liveops.registry": 2,
    "liveops.rendering": 2,
    "liveops.rendering.*": 2,
    "liveops.results": 2,
    "liveops.rows": 2,
    "liveops.snapshot": 2,
    "liveops.stage_texts": 2,
    "liveops.staged": 2,
    "liveops.store": 2,
    "liveops.store.*": 2,
    # 3: what user code holds, and where its progress goes
    "liveops.events": 3,
    "liveops.progress.*": 3,
    "liveops.sinks.*": 3,
    # 4 and 5: starting, driving and stopping a run
    "liveops.control": 4,
    "liveops.reaping": 4,
    "liveops.reaping_thread": 4,
    "liveops.runners": 4,
    "liveops.shutdown": 4,
    "liveops.runners.base": 4,
    "liveops.runners.*": 5,
    # 6: the thin outer side, and 7: what others test with, which nothing here may use
    "liveops.admin": 6,
    "liveops.admin.*": 6,
    "liveops.apps": 6,
    "liveops.chain": 6,
    "liveops.checks": 6,
    "liveops.checks.*": 6,
    "liveops.consumers": 6,
    "liveops.container": 6,
    "liveops.contrib": 6,
    "liveops.contrib.*": 6,
    "liveops.guests": 6,
    "liveops.hub": 6,
    "liveops.lifespan": 6,
    "liveops.membership": 6,
    "liveops.management.*": 6,
    "liveops.migrations.*": 6,
    "liveops.outbox": 6,
    "liveops.overview.following": 6,
    "liveops.reading": 6,
    "liveops.readings": 6,
    "liveops.rechecking": 6,
    "liveops.rechecks": 6,
    "liveops.rights_news": 6,
    "liveops.rights_signals": 6,
    "liveops.routing": 6,
    "liveops.sockets": 6,
    "liveops.startop": 6,
    "liveops.startop.*": 6,
    "liveops.subscription": 6,
    "liveops.tasks": 6,
    "liveops.templatetags.*": 6,
    "liveops.terminal.*": 6,
    "liveops.testing": 7,
    "liveops.testing.*": 7,
    "liveops.urls": 6,
    "liveops.views.*": 6,
    "liveops.watching": 6,
    "liveops.views": 6,
}
PURE = (
    "liveops.exceptions",
    "liveops.naming",
    "liveops.progress.agenda",
    "liveops.progress.forecast",
    "liveops.progress.rate",
    "liveops.progress.state",
    "liveops.progress.text",
    "liveops.progress.throttle",
    "liveops.progress.update",
    "liveops.progress.view",
    "liveops.stages.*",
    "liveops.states",
)
FRAMEWORKS = ("asgiref", "celery", "channels", "channels_redis", "django", "django_htmx", "rich")
OPTIONAL = {
    "celery": [
        "liveops.runners.celery",
        "liveops.runners.celery_shutdown",
        "liveops.runners.celery_start",
    ],
    "django_tasks": ["liveops.runners.tasks"],
    "opentelemetry": ["liveops.contrib.opentelemetry"],
    "prometheus_client": ["liveops.contrib.prometheus"],
    "pytest": ["liveops.testing.plugin"],
}


@pytest.fixture(scope="module")
def tree() -> dict[str, Source]:
    return architecture.read_tree(PACKAGE)


def accept(problems: list[str]) -> None:
    """Fail with one sentence for each problem, if there are any."""
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def test_every_module_has_a_layer(tree: dict[str, Source]) -> None:
    accept(architecture.missing_layers(tree, LAYERS))


def test_imports_go_down(tree: dict[str, Source]) -> None:
    accept(architecture.wrong_directions(tree, LAYERS))


def test_no_import_is_circular(tree: dict[str, Source]) -> None:
    accept(architecture.cycles(tree))


def test_the_core_knows_no_framework(tree: dict[str, Source]) -> None:
    accept(architecture.impurities(tree, PURE, FRAMEWORKS))


def test_optional_libraries_stay_at_home(tree: dict[str, Source]) -> None:
    accept(architecture.strays(tree, OPTIONAL))


def test_no_module_is_too_long() -> None:
    paths = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.js")]
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}
    assert texts
    accept(architecture.too_long(texts, LINE_LIMIT))


# The checks themselves, on trees that break one rule each.


def fake(**texts: str) -> dict[str, Source]:
    """Return a tree of ``pkg``: `a` and `a__b` are modules of it, `a_` is the package ``pkg.a``."""
    tree = {"pkg": Source("", package=True)}
    for key, text in texts.items():
        name = "pkg." + key.removesuffix("_").replace("__", ".")
        tree[name] = Source(text, package=key.endswith("_"))
    return tree


TABLE = {"pkg": 0, "pkg.low": 0, "pkg.high": 1}


@pytest.mark.parametrize(
    "text",
    [
        "import pkg.high",
        "import pkg.high as other",
        "from pkg import high",
        "from pkg.high import thing",
        "from . import high",
        "from .high import thing",
        "def late():\n    from pkg.high import thing",
        "async def late():\n    import pkg.high",
        "class Body:\n    from pkg.high import thing",
        "try:\n    import pkg.high\nexcept ImportError:\n    raise",
        "import importlib\nimportlib.import_module('pkg.high')",
        "if TYPE_CHECKING:\n    x = 1\nelse:\n    import pkg.high",
    ],
)
def test_an_import_that_goes_up_is_named(text: str) -> None:
    tree = fake(low=text, high="")
    (problem,) = architecture.wrong_directions(tree, TABLE)
    assert problem.startswith("pkg.low:")
    assert "imports pkg.high (layer 1)" in problem


@pytest.mark.parametrize(
    "text",
    [
        "if TYPE_CHECKING:\n    from pkg.high import thing",
        "if typing.TYPE_CHECKING:\n    from pkg.high import thing",
        "import os",
        "from pkg import __version__",
    ],
)
def test_what_never_runs_or_goes_elsewhere_is_allowed(text: str) -> None:
    tree = fake(low=text, high="from pkg import low")
    assert architecture.wrong_directions(tree, TABLE) == []
    assert architecture.cycles(tree) == []


def test_a_relative_import_is_resolved_from_a_module_and_from_a_package() -> None:
    tree = fake(a_="from .b import x\nfrom ..c import y", a__b="from .. import c", c="")
    assert [item.target for item in architecture.imports("pkg.a", tree)] == ["pkg.a.b", "pkg.c"]
    assert [item.target for item in architecture.imports("pkg.a.b", tree)] == ["pkg.c"]


def test_a_cycle_is_named_with_its_whole_ring() -> None:
    tree = fake(a="import pkg.b", b="def late():\n    import pkg.c", c="from pkg import a")
    assert architecture.cycles(tree) == [
        "modules import each other: pkg.a -> pkg.b -> pkg.c -> pkg.a"
    ]


def test_a_cycle_through_a_package_that_is_loaded_on_the_way_is_named() -> None:
    tree = fake(store="import pkg.a.state", a_="import pkg.a.api", a__api="import pkg.store")
    tree |= fake(a__state="")
    (problem,) = architecture.cycles(tree)
    assert problem == "modules load each other: pkg.store -> pkg.a -> pkg.a.api -> pkg.store"


def test_a_package_that_loads_its_parts_on_demand_closes_no_cycle() -> None:
    tree = fake(store="import pkg.a.state", a__state="", a__api="import pkg.store")
    tree |= fake(a_="def __getattr__(name):\n    from pkg.a.api import Progress")
    assert architecture.cycles(tree) == []


@pytest.mark.parametrize(
    ("tree", "way"),
    [
        (fake(core__x="import django.db"), "pkg.core.x:1 imports django.db"),
        (fake(core__x="def f():\n    import django"), "pkg.core.x:2 imports django"),
        (
            fake(core__x="import pkg.other", other="from django import db"),
            "pkg.core.x -> pkg.other:1 imports django",
        ),
        (fake(core_="import django", core__x=""), "pkg.core:1 imports django"),
    ],
)
def test_a_framework_in_the_core_is_named(tree: dict[str, Source], way: str) -> None:
    problems = architecture.impurities(tree, ["pkg.core.*"], ["django"])
    assert f"pkg.core.x must stay pure, but {way}" in problems


def test_a_framework_outside_the_core_is_allowed() -> None:
    tree = fake(core__x="import djangonaut", web="import django")
    assert architecture.impurities(tree, ["pkg.core.*"], ["django"]) == []


def test_an_optional_library_away_from_home_is_named() -> None:
    tree = fake(home="import celery", away="def f():\n    from celery.app import x")
    assert architecture.strays(tree, {"celery": ["pkg.home"]}) == [
        "pkg.away:2 imports celery.app, which belongs in pkg.home"
    ]


def test_a_file_over_the_limit_is_named() -> None:
    texts = {"a.py": "x\n" * 300, "b.js": "x\n" * 301}
    assert architecture.too_long(texts, 300) == [
        "b.js has 301 lines, at most 300 are allowed: split it"
    ]


def test_a_module_without_a_layer_and_a_layer_without_a_module_are_named() -> None:
    tree = fake(low="", new="", sub_="", sub__deep="")
    assert architecture.missing_layers(tree, {**TABLE, "pkg.sub.*": 2}) == [
        "pkg.new has no layer: add it to the table",
        "the table has a layer for pkg.high, which does not exist",
    ]
