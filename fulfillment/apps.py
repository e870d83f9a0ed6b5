"""The engine as a Django app."""

from django.apps import AppConfig


class FulfillmentConfig(AppConfig):
    """The engine."""

    name = "fulfillment"
    verbose_name = "Fulfilment"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from fulfillment import exchange  # noqa: F401  registers the engine's sections of catalogue files
