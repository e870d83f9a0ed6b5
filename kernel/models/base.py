"""What every business record has: times, a version for editors, a locked read."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.db import models

if TYPE_CHECKING:
    from kernel.models.people import User

M = TypeVar("M", bound=models.Model, covariant=True)


class RecordQuerySet(models.QuerySet[M]):
    """Reads that acts rely on. Apps add `visible_to`; here nobody sees anything until they do."""

    def locked(self, pk: int) -> Any:
        """One row, locked until the transaction ends. Raises DoesNotExist."""
        return self.select_for_update(of=("self",)).get(pk=pk)

    def locked_all(self, pks: Iterable[int]) -> list[Any]:
        """Rows locked in key order, so that two callers never wait for each other in a circle."""
        return list(self.select_for_update(of=("self",)).filter(pk__in=sorted(set(pks))).order_by("pk"))

    def visible_to(self, user: "User") -> Any:
        """Rows that this person may see: all of them with the app-wide view permission, else none."""
        label = self.model._meta
        return self.all() if user.has_perm(f"{label.app_label}.view_{label.model_name}") else self.none()


class Record(models.Model):
    """A business record with times and an editing version.

    `edition` counts saves through `kernel.editing`; a form carries the edition that it showed, so that a second editor
    is told instead of overwriting the first.
    """

    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)
    edition = models.PositiveIntegerField(default=1, editable=False)

    objects: ClassVar[Any] = RecordQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(getattr(self, "number", "") or getattr(self, "name", "") or self.pk)


class Numbered(Record):
    """A record that people call by a number such as ORD0000123."""

    PREFIX: ClassVar[str] = ""

    number = models.CharField(max_length=20, unique=True, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.number:
            from kernel import numbering

            self.number = numbering.take(self.PREFIX)
        super().save(*args, **kwargs)
