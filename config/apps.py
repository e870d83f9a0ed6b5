"""What is made ready when a process starts."""

from django.apps import AppConfig


class Config(AppConfig):
    """The product as a whole."""

    name = "config"

    def ready(self) -> None:
        """Translations can be read."""
        from config.words import compiling

        compiling.compile_stale()
