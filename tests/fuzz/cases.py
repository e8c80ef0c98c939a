"""How much hostile input is tried, and how: a fixed number of cases, the same in every run.

To look for more than a run of all tests has time for, set ``LIVEOPS_FUZZ`` to how many times that
number is to be tried; they are then other cases.
"""

import os
import random
from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, settings

CASES = {
    "test_admin.py::test_no_query_breaks_the_admin_or_changes_anything": 200,
    "test_forms.py::test_no_form_breaks_what_starts_operations": 200,
    "test_frames.py::test_no_frame_breaks_a_socket": 1_600,
    "test_frames.py::test_no_frame_about_a_list_breaks_a_socket": 240,
    "test_pages.py::test_no_request_breaks_a_page_or_changes_anything": 2_200,
    "test_pages.py::test_nor_does_one_to_an_asgi_server": 150,
    "test_tokens.py::test_no_forged_token_is_admitted": 15_700,
}
"""The cases of each test."""

BATCH = 20
"""How many frames one socket takes."""

TIMES = int(os.environ.get("LIVEOPS_FUZZ", "1"))


def number_of(test: str) -> int:
    """Return how many cases a test is to try."""
    return CASES[test] * TIMES


def seeds(test: str) -> Iterator[random.Random]:
    """Yield a source of chance for each case of a test."""
    salt = "" if TIMES == 1 else os.urandom(8).hex()
    for number in range(number_of(test)):
        yield random.Random(f"{test}:{number}:{salt}")  # noqa: S311  (nothing is secret here)


def batches(test: str) -> settings:
    """Return the settings of a test that hypothesis hands batches of cases."""
    return settings(
        max_examples=number_of(test) // BATCH,
        derandomize=TIMES == 1,
        phases=[Phase.generate],  # to make a case smaller would take longer than to read it
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
