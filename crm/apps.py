"""Customers as a Django app."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    """Customers."""

    name = "crm"
    verbose_name = "Customers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from crm import exchange  # noqa: F401  registers its section of catalogue files
