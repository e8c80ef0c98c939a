"""What Celery's ``autodiscover_tasks()`` looks for: the task of the runner ``celery``.

Other systems look for modules of this name too, so it can be imported without Celery.
"""

from importlib.util import find_spec

if find_spec("celery") is not None:
    from liveops.runners.celery import run_operation

    __all__ = ["run_operation"]
