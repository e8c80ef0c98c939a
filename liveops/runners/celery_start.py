"""The start of a Celery worker that carries out operations: what it refuses, and who reaps there.

A worker of a site whose operations run elsewhere is left alone.
"""

from typing import Any

from celery.signals import worker_init, worker_process_init, worker_ready

from liveops import conf, reaping_thread, shutdown
from liveops.exceptions import ConfigurationError
from liveops.runners.patched import refuse_green_pool

_IN_PROCESS = ("celery.concurrency.solo", "celery.concurrency.thread")


def connect(runner: type) -> None:
    """Prepare workers for operations.

    Args:
        runner: the class of the runner; workers are prepared if the configured one derives from it.
    """

    def is_ours() -> bool:
        configured = conf.load_runner()
        return isinstance(configured, type) and issubclass(configured, runner)

    def refuse(sender: Any, **_: object) -> None:
        if is_ours():
            try:
                refuse_green_pool(sender.pool_cls)
            except ConfigurationError as error:
                # Celery logs what receivers raise, and goes on; this it does not catch.
                raise SystemExit(str(error)) from error

    def reap_in_child(**_: object) -> None:
        if is_ours():
            _reap()

    def reap_here(sender: Any, **_: object) -> None:
        # Not in the main process of a pool of processes: they would inherit its connection.
        pool = getattr(getattr(sender, "controller", sender), "pool_cls", None)
        if is_ours() and getattr(pool, "__module__", "") in _IN_PROCESS:
            _reap()

    worker_init.connect(refuse, weak=False, dispatch_uid="liveops.refuse")
    worker_process_init.connect(reap_in_child, weak=False, dispatch_uid="liveops.reap_in_child")
    worker_ready.connect(reap_here, weak=False, dispatch_uid="liveops.reap_here")


def _reap() -> None:
    shutdown.arm()  # before: the last to register is stopped first
    reaping_thread.start()
