"""Inventory as a Django app."""

from django.apps import AppConfig


class CmdbConfig(AppConfig):
    """Inventory."""

    name = "cmdb"
    verbose_name = "Inventory"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cmdb import exchange  # noqa: F401  registers its section of catalogue files
