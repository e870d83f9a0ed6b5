"""Customers as a Django app."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    """Customers."""

    name = "crm"
    default_auto_field = "django.db.models.BigAutoField"
