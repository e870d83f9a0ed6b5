"""People: who logs in, in which roles, with which skills."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

RIGHTS = """
ARRAY(SELECT role.name::text FROM kernel_user_groups held JOIN auth_group role ON role.id = held.group_id
    WHERE held.user_id = person.id) AS role_names,
concat_ws(' ', pg_postmaster_start_time(), current_database(),
    (SELECT sum(hashtextextended(granted.xmin::text || granted.ctid::text, 0)) FROM kernel_user_groups held
        JOIN auth_group_permissions granted USING (group_id) WHERE held.user_id = person.id)) AS mark_of_roles,
(SELECT sum(hashtextextended(own.xmin::text || own.ctid::text, 0)) FROM kernel_user_user_permissions own
    WHERE own.user_id = person.id) AS mark_of_own
"""  # columns of a query on kernel_user person: roles, and marks that change with what these and the person are granted
_PERMITTED = """
SELECT DISTINCT type.app_label || '.' || permission.codename FROM auth_permission permission
JOIN django_content_type type ON type.id = permission.content_type_id WHERE permission.id IN (
    SELECT permission_id FROM auth_group_permissions JOIN kernel_user_groups held USING (group_id)
        WHERE held.user_id = %(person)s
    UNION SELECT permission_id FROM kernel_user_user_permissions WHERE user_id = %(person)s)
"""
MOST_REMEMBERED = 256
_permitted: dict[Any, frozenset[str]] = {}


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

    def know_rights(self, roles: Iterable[str], mark_of_roles: str, mark_of_own: int | None) -> None:
        """Roles were read already, as RIGHTS says; what they permit is read once by each process until it changes."""
        self._roles = set(roles)
        if self.is_superuser:
            return
        granted = (frozenset(self._roles), mark_of_roles, mark_of_own, self.pk if mark_of_own else None)
        if granted not in _permitted:
            if len(_permitted) >= MOST_REMEMBERED:
                _permitted.clear()
            with connection.cursor() as cursor:
                cursor.execute(_PERMITTED, {"person": self.pk})
                _permitted[granted] = frozenset(right for (right,) in cursor.fetchall())
        # what Django's own backend keeps once it has asked
        self._group_perm_cache: set[str] = set(_permitted[granted])
        self._user_perm_cache: set[str] = set()

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether this person may; all that they may is read at once."""
        self._read_rights()
        return super().has_perm(perm, obj)

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        """All that this person may."""
        self._read_rights()
        return super().get_all_permissions(obj)

    def _read_rights(self) -> None:
        """Roles and permissions in one question, where Django would ask for each of them."""
        if self.pk is None or self.is_superuser or not self.is_active or hasattr(self, "_user_perm_cache"):
            return
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {RIGHTS} FROM kernel_user person WHERE person.id = %s", [self.pk])  # noqa: S608
            if found := cursor.fetchone():
                self.know_rights(*found)

    @property
    def roles(self) -> set[str]:
        """Names of this person's roles, read once per request."""
        if not hasattr(self, "_roles"):
            self._roles = set(self.groups.values_list("name", flat=True))
        return self._roles
