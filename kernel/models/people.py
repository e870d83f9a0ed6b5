"""People: who logs in, in which roles, with which skills."""

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models

LANGUAGES = [("", "As the browser asks"), ("en-gb", "English"), ("de", "Deutsch")]


class User(AbstractUser):  # type: ignore[django-manager-missing]  # of API clients, whose base is untyped
    """A person or a system account. Roles are Django groups named in `kernel.roles`."""

    email = models.EmailField(unique=True)
    time_zone = models.CharField(max_length=40, default="Europe/Amsterdam")
    language = models.CharField(max_length=10, default="", blank=True, choices=LANGUAGES)
    theme = models.CharField(
        max_length=5, default="auto", choices=[("auto", "Auto"), ("light", "Light"), ("dark", "Dark")]
    )
    teams = ArrayField(
        models.CharField(max_length=60), default=list, blank=True, help_text="Assignment groups by name."
    )
    skills = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    job_title = models.CharField(max_length=80, blank=True)

    class Meta(AbstractUser.Meta):
        permissions = [("use_workspace", "Can work in the agents' workspace")]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def initials(self) -> str:
        """Two letters for an avatar."""
        parts = (self.get_full_name() or self.username).split()
        return "".join(part[0] for part in (parts[0], parts[-1])[: len(parts)]).upper()

    @property
    def roles(self) -> set[str]:
        """Names of this person's roles, read once per request."""
        if not hasattr(self, "_roles"):
            self._roles = set(self.groups.values_list("name", flat=True))
        return self._roles
