"""Fallout as a Django app."""

from django.apps import AppConfig


class FalloutConfig(AppConfig):
    """Fallout."""

    name = "fallout"
    default_auto_field = "django.db.models.BigAutoField"
