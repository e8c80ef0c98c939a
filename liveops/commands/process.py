"""A command as a child process: output streamed while it runs, and no process left behind."""

import os
import time
from collections.abc import Callable
from functools import partial

from liveops.commands.arguments import (
    Command,
    Environment,
    check_arguments,
    describe,
    environment,
)
from liveops.commands.child import Child
from liveops.commands.output import Output
from liveops.commands.results import CommandResult
from liveops.commands.starting import start
from liveops.commands.wakeup import Wakeup
from liveops.progress.redaction import NOTHING, Redactor

__all__ = ["CommandResult", "check_arguments", "describe", "stream"]


def stream(
    command: Command,
    *,
    on_lines: Callable[[list[str]], None],
    on_stop: Callable[[Callable[[], None]], Callable[[], None]],
    pulse: Callable[[], None],
    env: Environment | None = None,
    cwd: str | os.PathLike[str] | None = None,
    timeout: float | None = None,
    grace: float = 5.0,
    grace_for: Callable[[BaseException], float] | None = None,
    on_end: Callable[[CommandResult], None] = lambda result: None,
    clock: Callable[[], float] = time.monotonic,
    redactor: Redactor = NOTHING,
) -> CommandResult:
    """Run a command, hand over its output line by line, and return how it ended.

    It runs in a process group of its own, without input, its errors in the same stream as its
    output. Whatever ends this call early, an exception of a callback or the time limit, ends the
    whole group, too: it is asked to (SIGTERM), its last words are read for the grace period, and
    what is left of it then is killed. A process that the command has left in the background and
    that still holds its output is not waited for, nor killed, where the command ends by itself.

    Args:
        command: a line for the shell, or a program and its arguments, which no shell sees.
        on_lines: takes the lines as they come, in the calling thread like every callback.
        on_stop: is given a function that other threads, and signal handlers, may call to have
            ``pulse`` called at once; returns a function that ends this.
        pulse: is called at least ten times a second and after each batch; what it raises stops
            the command.
        env: what to add to this process' environment; None as a value takes a variable out.
        cwd: the directory to run in; None for that of this process.
        timeout: seconds that the command may take; None for any time.
        grace: seconds between SIGTERM and SIGKILL. Whatever is raised meanwhile, by a Ctrl-C or
            another signal, ends them early.
        grace_for: says how many seconds there are when the stop is for an exception; None for
            always the same.
        on_end: is told how the command ended, also where it was stopped, before this call ends.
        clock: gives seconds that never go back.
        redactor: masks the command and the last lines in the result, and in what is raised. Lines
            are handed over as they came, but in no part of a line is half of what is masked.

    Raises:
        TypeError, ValueError: an argument cannot be right.
        CommandNotStarted: the system cannot start it.
        CommandTimedOut: it took longer than ``timeout`` and was stopped.
        BaseException: whatever a callback raised, after the command was stopped. A SystemExit, or
            after an ordinary error a KeyboardInterrupt, that came during the stop goes before it.
    """
    check_arguments(command, env=env, cwd=cwd, timeout=timeout, grace=grace)
    shown = redactor.mask(describe(command))
    with Wakeup() as wakeup, Output(wakeup, on_lines, clock, redactor) as output:
        forget = on_stop(wakeup.ring)
        try:
            began = clock()
            process = start(command, environment(env), cwd, redactor.mask)
            child = Child(process, output, clock)
            try:
                child.follow(pulse, None if timeout is None else began + timeout)
            except BaseException as error:
                child.stop(partial(grace_for or (lambda _: grace), error))
                result = child.result(shown, clock() - began, redactor.mask)
                on_end(result)
                final = child.verdict(error, result, timeout)
                if final is error:
                    raise
                raise final from final.__cause__
            result = child.result(shown, clock() - began, redactor.mask)
            on_end(result)
            return result
        finally:
            forget()
