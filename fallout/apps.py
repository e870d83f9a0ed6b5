"""Fallout as a Django app."""

from django.apps import AppConfig


class FalloutConfig(AppConfig):
    """Fallout."""

    name = "fallout"
    verbose_name = "Fallout"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from fallout import exchange  # noqa: F401  registers its section of catalogue files
