"""The order of files in a parallel run: those that wait stand beside those that compute.

Scenes with killed processes and servers that are away wait half of the time, those in a browser
never. One after the other they would leave processors idle at first and crowd them later. They come
last: a test that was a web process of some site leaves its models behind.
"""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
ACCEPTANCE = ROOT / "acceptance"
WAITING = (ACCEPTANCE / "survival", ACCEPTANCE / "runners", ACCEPTANCE / "test_compose.py")
FIRST = ("test_compose", "test_redis", "test_shutdown", "test_chaos")
"""What takes longest, so that no worker is left with it in the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep that order in a parallel run, which would begin with the files of many tests."""
    config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by file: those of acceptance last, in turn one that waits and one other."""
    files = list(dict.fromkeys(item.path for item in items))
    rank = {path: number for number, path in enumerate(in_turn(files))}
    items.sort(key=lambda item: rank[item.path])


def in_turn(files: list[Path]) -> Iterator[Path]:
    """Yield files in the order of a parallel run."""
    slow = [path for path in files if path.is_relative_to(ACCEPTANCE)]
    waiting = [path for path in slow if any(path.is_relative_to(place) for place in WAITING)]
    waiting.sort(key=lambda path: (path.stem not in FIRST, path))
    busy = sorted(set(slow) - set(waiting))
    yield from (path for path in files if path not in slow)
    for pair in zip_longest(waiting, busy):
        yield from (path for path in pair if path is not None)
