"""Commercial promises as a Django app."""

from django.apps import AppConfig


class ContractsConfig(AppConfig):
    """Commercial promises."""

    name = "contracts"
    verbose_name = "Agreements, quotes, contracts"
    default_auto_field = "django.db.models.BigAutoField"
