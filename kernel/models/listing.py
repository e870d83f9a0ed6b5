"""Lists as people keep them: saved views, files written of whole lists, and those that came back changed."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from kernel.models.base import RecordQuerySet
from kernel.models.people import User


class SavedViewQuerySet(RecordQuerySet["SavedView"]):
    """A person's own views, and those that others share."""

    def visible_to(self, user: User) -> Any:
        return self.filter(Q(owner=user) | Q(shared=True))


class SavedView(models.Model):
    """A list as somebody likes to see it: the query string of its page with filters, sort and columns."""

    path = models.CharField(max_length=200, help_text="The list's page, such as /leads/.")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    shared = models.BooleanField("Share it with everybody who may open this list", default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["path", "owner", "name"], name="saved_view_once")]
        indexes = [models.Index(fields=["path", "shared"])]

    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        """Where it opens."""
        return f"{self.path}?{self.query}{'&' if self.query else ''}view={self.pk}"


class ExportQuerySet(RecordQuerySet["Export"]):
    """A person's own files."""

    def visible_to(self, user: User) -> Any:
        return self.filter(owner=user)


class Export(models.Model):
    """A file of a whole list, written in the background for the person who asked for it.

    `ended_at` is set once it is there, or once it is clear that it will not be: then `trouble` says why.
    """

    declared = models.CharField(max_length=200, help_text="The list's class, as a dotted path.")
    title = models.CharField(max_length=120)
    path = models.CharField(max_length=200)
    query = models.CharField(max_length=2000, blank=True)
    form = models.CharField(max_length=4, choices=[("csv", "CSV"), ("xlsx", "Excel")])
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="exports")
    asked_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    rows = models.PositiveIntegerField(default=0)
    file = models.FileField(upload_to="exports/%Y/%m/", blank=True)
    trouble = models.CharField(max_length=300, blank=True)

    objects: ClassVar[Any] = ExportQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["asked_at"], condition=Q(ended_at=None), name="export_waiting")]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "declared", "path", "query", "form"], condition=Q(ended_at=None), name="export_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.title}.{self.form}"


class ReturnedFileQuerySet(RecordQuerySet["ReturnedFile"]):
    """A person's own files."""

    def visible_to(self, user: User) -> Any:
        return self.filter(owner=user)


class ReturnedFile(models.Model):
    """A list's file that came back changed. `rows` are [line, cells] as read; `mapping` says what each column is."""

    declared = models.CharField(max_length=200, help_text="The list's class, as a dotted path.")
    title = models.CharField(max_length=120)
    path = models.CharField(max_length=200)
    name = models.CharField(max_length=120)
    columns = models.JSONField(default=list)
    rows = models.JSONField(default=list)
    notes = models.JSONField(default=list, blank=True)
    mapping = models.JSONField(default=list, blank=True)
    row_count = models.PositiveIntegerField(default=0)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="returned_files")
    sent_at = models.DateTimeField(auto_now_add=True)
    stored = models.OneToOneField(
        "Many", null=True, editable=False, on_delete=models.PROTECT, related_name="returned_file"
    )
    undone = models.OneToOneField("Many", null=True, editable=False, on_delete=models.PROTECT, related_name="+")
    id: int

    objects: ClassVar[Any] = ReturnedFileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(undone__isnull=True) | Q(stored__isnull=False), name="only_a_stored_file_is_undone"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("returned_file", args=[self.pk])
