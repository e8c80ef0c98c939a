"""Start the example project on this machine: install, migrate, seed, serve."""

import argparse
import errno
import signal
import socket
import subprocess
import sys
import time
from types import FrameType

from scripts import environment

HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 10


class _Stop(Exception):
    """The person at the terminal, or the system, asked the demo to end."""


def port_complaint(port: int) -> str:
    """Return why the demo cannot listen on `port` and the way round it, or an empty string."""
    if not 0 < port < 65536:
        return f"{port} is not a port: take a number from 1024 to 65535."
    # On some systems a server on all addresses leaves this one free to bind: so ask first.
    if _answers(port):
        return _busy(port)
    with socket.socket() as probe:
        # As the server does it: connections of an earlier demo that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            return f"Port {port} is kept for the system. Take another one: make demo PORT=8000"
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return _busy(port)
            raise
    return ""


def _answers(port: int) -> bool:
    """Tell whether a server accepts connections on `port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _busy(port: int) -> str:
    return (
        f"Port {port} on {HOST} is in use, perhaps by another demo. "
        f"Take another one: make demo PORT={_free_port_after(port)}"
    )


def _free_port_after(port: int) -> int:
    """Return a port above `port` that can be taken, or any free one if the next 50 cannot."""
    for candidate in [*range(port + 1, min(port + 50, 65536)), 0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return port


def welcome(port: int) -> str:
    """Return what the person at the terminal reads once the demo runs."""
    return f"""
  The demo runs:   http://{HOST}:{port}/
  Log in with:     demo / demo
  Then:            six examples in a gallery. Start an import and watch it; open the page twice,
                   reload it, cancel it. Or one that is retried, chained, or fails and is resumed.
  In a terminal:   .venv/bin/python example_project/manage.py run_liveop \
airports.ImportAirports --owner demo
  Stop the demo:   Ctrl-C
"""


def serve(port: int) -> int:
    """Migrate and serve the example until the server ends by itself; return 1 or its status."""
    server = subprocess.Popen(
        [environment.python(), "-m", "scripts.demo_site", str(port)],
        cwd=environment.ROOT,
        env=environment.clean_environ(),
        stdin=subprocess.DEVNULL,
        # In a session of its own the server hears of Ctrl-C once, through `_end`.
        start_new_session=True,
    )
    try:
        if _wait_until_up(server, port):
            print(welcome(port), flush=True)
        status = server.wait()
        print(f"The server ended by itself with status {status}.", file=sys.stderr)
        return status or 1
    finally:
        _end(server)


def _wait_until_up(server: "subprocess.Popen[bytes]", port: int) -> bool:
    """Wait until the server answers; return False if it ended or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        if _answers(port):
            return True
        time.sleep(0.05)
    return False


def _end(server: "subprocess.Popen[bytes]") -> None:
    """Ask the server to end, and make it end if it does not."""
    if server.poll() is not None:
        return
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except (subprocess.TimeoutExpired, _Stop):  # a second Ctrl-C does not wait
        server.kill()
        server.wait()


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stop


def main(arguments: list[str]) -> int:
    """Start the demo; return 0 when it was stopped, 1 when it could not start."""
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--port", default="8000")
    text = parser.parse_args(arguments).port.strip()
    complaint = port_complaint(int(text)) if text.isdecimal() else f"PORT={text} is not a number."
    if complaint:
        print(complaint, file=sys.stderr)
        return 1
    # Status 0 for each of these: make would report any other one as an error of the recipe.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        environment.ensure("example")
        return serve(int(text))
    except _Stop:
        print("\nThe demo has ended.", flush=True)
        return 0
    except environment.CommandError as error:
        print(error, file=sys.stderr)
        return 1
