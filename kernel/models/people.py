"""People: who logs in, in which roles, with which skills."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models

RIGHTS = """
ARRAY(SELECT role.name::text FROM kernel_user_groups held JOIN auth_group role ON role.id = held.group_id
    WHERE held.user_id = person.id) AS role_names,
ARRAY(SELECT type.app_label || '.' || permission.codename FROM auth_permission permission
    JOIN django_content_type type ON type.id = permission.content_type_id WHERE permission.id IN (
        SELECT permission_id FROM auth_group_permissions JOIN kernel_user_groups held USING (group_id)
        WHERE held.user_id = person.id)) AS rights_by_roles,
ARRAY(SELECT type.app_label || '.' || permission.codename FROM kernel_user_user_permissions held
    JOIN auth_permission permission ON permission.id = held.permission_id
    JOIN django_content_type type ON type.id = permission.content_type_id
    WHERE held.user_id = person.id) AS own_rights
"""  # columns of a query on kernel_user person: roles, what these permit, what the person is permitted besides


class User(AbstractUser):  # type: ignore[django-manager-missing]  # of API clients, whose base is untyped
    """A person or a system account. Roles are Django groups named in `kernel.roles`."""

    email = models.EmailField(unique=True)
    time_zone = models.CharField(max_length=40, default="Europe/Amsterdam")
    language = models.CharField(
        max_length=10, default="", blank=True, choices=[("", "As the browser asks"), *settings.LANGUAGES]
    )
    theme = models.CharField(
        max_length=5, default="auto", choices=[("auto", "Auto"), ("light", "Light"), ("dark", "Dark")]
    )
    teams = ArrayField(
        models.CharField(max_length=60), default=list, blank=True, help_text="Assignment groups by name."
    )
    skills = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    job_title = models.CharField(max_length=80, blank=True)

    class Meta(AbstractUser.Meta):
        permissions = [
            ("use_workspace", "Can work in the agents' workspace"),
            ("look_on", "Can see the product as somebody else does"),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def initials(self) -> str:
        """Two letters for an avatar."""
        parts = (self.get_full_name() or self.username).split()
        return "".join(part[0] for part in (parts[0], parts[-1])[: len(parts)]).upper()

    def know_rights(self, roles: Iterable[str], by_roles: Iterable[str], own: Iterable[str]) -> None:
        """Roles and permissions were read already, as RIGHTS says."""
        self._roles = set(roles)
        if not self.is_superuser:  # what Django's own backend keeps once it has asked
            self._group_perm_cache, self._user_perm_cache = set(by_roles), set(own)

    @property
    def roles(self) -> set[str]:
        """Names of this person's roles, read once per request."""
        if not hasattr(self, "_roles"):
            self._roles = set(self.groups.values_list("name", flat=True))
        return self._roles
