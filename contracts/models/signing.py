"""Around a signature: further links, copies signed on paper, the versions of the consent text."""

from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models

from contracts.models.contracts import SignatureRequest


class SigningLink(models.Model):
    """A further way to an open request, such as from the portal or by a reminder; the first link stays good."""

    class Channel(models.TextChoices):
        MAIL = "mail"
        PORTAL = "portal"

    request = models.ForeignKey(SignatureRequest, on_delete=models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token in the link.")
    channel = models.CharField(max_length=8, choices=Channel)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.get_channel_display()} link of {self.request}"


class Signatory(models.Model):
    """Somebody who signs after others have: the link is made when it is their turn."""

    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    position = models.PositiveSmallIntegerField()
    contact = models.ForeignKey("crm.Contact", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    document = models.ForeignKey("kernel.Document", on_delete=models.PROTECT, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["position"]
        verbose_name_plural = "signatories"
        constraints = [
            models.UniqueConstraint(fields=["subject_type", "subject_id", "position"], name="signatory_place_once"),
            models.CheckConstraint(
                condition=models.Q(contact__isnull=False, person__isnull=True)
                | models.Q(contact__isnull=True, person__isnull=False),
                name="signatory_is_one_person",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(self.who)

    @property
    def who(self) -> Any:
        """A contact of the customer, or one of us."""
        return self.contact or self.person


class PaperCopy(models.Model):
    """An uploaded copy that was signed on paper. It counts once a second person has compared and confirmed it."""

    request = models.ForeignKey(SignatureRequest, on_delete=models.CASCADE, related_name="copies")
    document = models.ForeignKey("kernel.Document", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    signed_on = models.DateField()
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    refused_because = models.TextField(blank=True)
    id: int

    class Meta:
        verbose_name_plural = "paper copies"
        constraints = [
            models.UniqueConstraint(
                fields=["request"], condition=models.Q(decided_at__isnull=True), name="one_undecided_paper_copy"
            ),
            models.CheckConstraint(
                condition=models.Q(decided_by__isnull=True) | ~models.Q(decided_by=models.F("uploaded_by")),
                name="paper_copy_four_eyes",
            ),
        ]

    def __str__(self) -> str:
        return f"Paper copy of {self.request}"


class ConsentText(models.Model):
    """One version of what a signatory agrees to. The newest is shown; none ever changes."""

    version = models.PositiveIntegerField(unique=True, editable=False)
    text = models.TextField(help_text="May name {document} and {customer}.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-version"]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"Consent, version {self.version}"
