"""Documents: files on any record, versions kept, contents hashed."""

from typing import Any

import pgtrigger
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models


class Document(models.Model):
    """One version of one file. A later version of the same record and kind has a higher `version`."""

    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    kind = models.CharField(max_length=40, help_text="quote_pdf, signed_quote, loa, attachment …")
    name = models.CharField(max_length=200)
    version = models.PositiveIntegerField(default=1)
    file = models.FileField(upload_to="documents/%Y/%m/")
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    customer_may_see = models.BooleanField(default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "kind", "name", "version"], name="document_version"
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="signed_is_kept",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__kind__startswith="signed_"),
            )
        ]

    def __str__(self) -> str:
        return self.name


class DocumentType(models.Model):
    """A type of file that records of one kind have; without a file of it a record does not come to the stage named."""

    subject_type = models.CharField("kind of record", max_length=60, help_text="Such as orders.order.")
    key = models.SlugField(max_length=40, help_text="Stays as it is once files have it.")
    label = models.CharField(max_length=80)
    needed_for = models.CharField(
        max_length=40, blank=True,
        help_text="The state that no record comes to without such a file, as in completed; empty if never required.",
    )  # fmt: skip
    position = models.PositiveSmallIntegerField(default=10)

    class Meta:
        ordering = ["subject_type", "position", "pk"]
        constraints = [models.UniqueConstraint(fields=["subject_type", "key"], name="document_type_of_a_kind_once")]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        """Only what records of that kind can be and come to."""
        try:
            model: Any = apps.get_model(self.subject_type)
        except (LookupError, ValueError):
            raise ValidationError({"subject_type": "There is no such kind of record."}) from None
        if self.key.startswith("signed_") or self.key == "attachment":
            raise ValidationError({"key": "The system itself names files so. Choose another key."})
        states = dict(model.State.choices) if hasattr(model, "State") else {}
        if self.needed_for and self.needed_for not in states:
            told = ", ".join(states) or "this kind of record has none"
            raise ValidationError({"needed_for": f"This is none of its states: {told}."})
