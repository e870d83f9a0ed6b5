"""Documents: files on any record, versions kept, contents hashed."""

import pgtrigger
from django.conf import settings
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
