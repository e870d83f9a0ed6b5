"""Repointing: everything that refers to one record refers to another of the same kind from now on."""

from collections import Counter
from collections.abc import Collection
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import F, Max, OuterRef, Subquery
from django.db.models.functions import Coalesce
from guardian.models import GroupObjectPermission, UserObjectPermission

from kernel.models.activity import Comment
from kernel.models.documents import Document

Model = type[models.Model]


def references(model: Model) -> list[tuple[Model, str]]:
    """Every table and foreign key that points at a model, whoever's app it is."""
    return [
        (field.related_model, field.field.name)
        for field in model._meta.get_fields(include_hidden=True)
        if isinstance(field, models.ManyToOneRel) and not field.related_model._meta.auto_created
    ]


def count(record: models.Model, *, but: Collection[Model] = ()) -> Counter[Model]:
    """How many rows of each table refer to a record; one query a table."""
    found: Counter[Model] = Counter()
    for model, field in references(type(record)):
        if model not in but:
            found[model] += model._default_manager.filter(**{field: record}).count()
    return +found


def repoint(old: Any, new: Any, *, but: Collection[Model] = ()) -> Counter[Model]:
    """Let rows that refer to `old` refer to `new`, except in the tables `but`; with its comments, files and grants.

    Raises:
        IntegrityError: a constraint or a trigger of one of the tables refuses.
    """
    moved: Counter[Model] = Counter()
    for model, field in references(type(old)):
        if model not in but:
            moved[model] += model._default_manager.filter(**{field: old}).update(**{field: new})
    _subjects(old, new)
    _grants(old, new)
    return +moved


def _subjects(old: Any, new: Any) -> None:
    label = old._meta.label_lower
    Comment.objects.filter(subject_type=label, subject_id=old.pk).update(subject_id=new.pk)
    newest = Document.objects.filter(
        subject_type=label, subject_id=new.pk, kind=OuterRef("kind"), name=OuterRef("name")
    ).order_by()
    above = Coalesce(Subquery(newest.values("kind", "name").annotate(last=Max("version")).values("last")), 0)
    Document.objects.filter(subject_type=label, subject_id=old.pk).update(
        subject_id=new.pk, version=F("version") + above
    )


def _grants(old: Any, new: Any) -> None:
    kind = ContentType.objects.get_for_model(old)
    for model, who in ((UserObjectPermission, "user"), (GroupObjectPermission, "group")):
        rows = model.objects.filter(content_type=kind)
        standing = rows.filter(object_pk=str(new.pk), permission=OuterRef("permission"), **{who: OuterRef(who)})
        granted = rows.filter(object_pk=str(old.pk))
        granted.filter(~models.Exists(standing)).update(object_pk=str(new.pk))
        rows.filter(object_pk=str(old.pk)).delete()
