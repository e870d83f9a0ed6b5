"""The kernel as a Django app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class KernelConfig(AppConfig):
    """Finds every app's roles, reactions and reports once all models are loaded."""

    name = "kernel"
    verbose_name = "System"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        autodiscover_modules("roles")
        autodiscover_modules("api")
        autodiscover_modules("reactions")
        autodiscover_modules("choosing")
        autodiscover_modules("reports")
        from kernel import administering, colleagues, manykeys, naming, tablehome  # noqa: F401  lookups, two homes
        from kernel.rest import jsonvalues  # noqa: F401  a lookup

        naming.name_all()
