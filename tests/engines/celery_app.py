"""The Celery application of a site, as a project writes it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.engines.settings")

app = Celery("engines")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
