"""Portal as a Django app."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Portal."""

    name = "portal"
    verbose_name = "Portal"
    default_auto_field = "django.db.models.BigAutoField"
