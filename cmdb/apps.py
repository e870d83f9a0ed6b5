"""Inventory as a Django app."""

from django.apps import AppConfig


class CmdbConfig(AppConfig):
    """Inventory."""

    name = "cmdb"
    default_auto_field = "django.db.models.BigAutoField"
