"""Catalogue as a Django app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Catalogue."""

    name = "catalog"
    verbose_name = "Catalogue"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from catalog import entryfile, exchange, priceexchange, rulefile  # noqa: F401  they register the catalogue's own sections
