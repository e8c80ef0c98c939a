"""The example project on engines: PostgreSQL, Redis and Celery workers.

The environment variables of ``example.settings``, and: `POSTGRES_HOST`, `POSTGRES_PORT`,
`POSTGRES_DB`, `POSTGRES_USER`, `POSTGRES_PASSWORD`, `REDIS_URL` (without the number of a database)
and `SERVE_STATIC` (whether the web process serves the static files, 1 or 0).
"""

import os
from typing import Any

from example.settings import *  # noqa: F403

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ.get("POSTGRES_HOST", "127.0.0.1"),
        "PORT": os.environ.get("POSTGRES_PORT", "5432"),
        "NAME": os.environ.get("POSTGRES_DB", "liveops"),
        "USER": os.environ.get("POSTGRES_USER", "liveops"),
        "PASSWORD": os.environ.get("POSTGRES_PASSWORD", ""),
    }
}

_REDIS = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")

# Frames in one of Redis' databases, messages for workers in another.
_LAYER: dict[str, Any] = {
    "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "CONFIG": {"hosts": [f"{_REDIS}/0"]},
}
CHANNEL_LAYERS = {"default": _LAYER}
CELERY_BROKER_URL = f"{_REDIS}/1"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True

LIVEOPS = {**LIVEOPS, "RUNNER": "celery"}  # noqa: F405

# A project that always runs on Celery imports its application in its package's __init__.py, as
# Celery's documentation has it. The demo needs no Celery, so it is loaded with these settings.
from example.celery import app as celery_app  # noqa: E402, F401
