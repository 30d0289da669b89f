"""The Celery application. Settings carry the prefix CELERY_; the timetable is config/schedule.py."""

from __future__ import annotations

import os
import signal
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from config.runtime.spawning import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("bellwether")
app.config_from_object("django.conf:settings", namespace="CELERY")
if os.environ.get("BELLWETHER_PROCESS") != "beat":  # beat sends tasks by name
    app.autodiscover_tasks()


@worker_process_init.connect
def follow_the_worker(**kwargs: Any) -> None:
    """A pool process ends with its worker even when that is killed: its task is then delivered anew."""
    die_with_parent(os.getppid(), signal.SIGKILL)
