"""Fixtures of the unit tests, and how properties are searched."""

from hypothesis import settings

# No deadline: how long an example takes says nothing on a busy machine.
settings.register_profile("liveops", deadline=None, database=None, max_examples=40)
settings.load_profile("liveops")
