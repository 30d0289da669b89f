"""The wiring room as a Django app: it owns commands and the Celery application, no tables."""

from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """Makes the Celery application the one that `shared_task` binds to, in every process."""

    name = "config"
    label = "platform"
    verbose_name = "Platform"

    def ready(self) -> None:
        from config import celery, checks  # noqa: F401  (imported for what they register)
