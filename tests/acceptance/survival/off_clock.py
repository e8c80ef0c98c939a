"""Run a module as a program whose clock is wrong: ``off_clock SECONDS MODULE ARGUMENT…``.

What Python code reads as the time of day is shifted; the monotonic clock, like that of a machine
whose date was set wrongly, is not.
"""

import datetime as dt
import runpy
import sys
import time
from typing import Any, Self


def shift(seconds: float) -> None:
    """Shift what this process and its children take for the time of day."""
    real_time, real_time_ns = time.time, time.time_ns
    delta = dt.timedelta(seconds=seconds)

    class Shifted(dt.datetime):
        """A datetime whose now is wrong."""

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Self:
            """Return the wrong time."""
            return super().now(tz) + delta

        @classmethod
        def utcnow(cls) -> Self:
            """Return the wrong time."""
            return cls.now(dt.UTC).replace(tzinfo=None)

    changes: dict[Any, dict[str, Any]] = {
        time: {
            "time": lambda: real_time() + seconds,
            "time_ns": lambda: real_time_ns() + int(seconds * 1e9),
        },
        dt: {"datetime": Shifted},
    }
    for module, values in changes.items():
        for name, value in values.items():
            setattr(module, name, value)


if __name__ == "__main__":
    _, seconds, module, *arguments = sys.argv
    shift(float(seconds))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
