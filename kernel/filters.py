"""Filters of lists: chips with a closed list of values, or with one record among few or many."""

from collections.abc import Iterable
from typing import Any, cast

import django_filters
from django.db.models import Field, Model

from kernel import states
from kernel.choosing import SHORT
from kernel.picking import RecordField


class Filters(django_filters.FilterSet):
    """Filters of a list, drawn as chips; their state lives in the URL."""


class Choices(django_filters.ChoiceFilter):
    """A chip with a closed list of values."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("empty_label", "All")
        super().__init__(*args, **kwargs)


class States(Choices):
    """A chip with the states of a model, in the words that its rows show."""

    def __init__(self, model: type[Model], *, before: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        field = cast("Field[Any, Any]", model._meta.get_field("state"))
        worded = [(value, states.look(str(value), model).word) for value, _ in field.flatchoices]
        super().__init__(choices=[*before, *worded], **kwargs)


class _RecordChip(RecordField):
    """Said in short: a chip has little room."""

    @property
    def searched(self) -> bool:
        """Whether they are too many for a list."""
        return len(self.few()) > SHORT

    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


class Records(django_filters.Filter):
    """A chip with one record of a kind (`kernel.choosing`): a list while they are few, a search once they are many."""

    def __init__(self, kind: str, *, empty_label: str = "Anyone", **kwargs: Any) -> None:
        self.kind, self.empty_label = kind, empty_label
        super().__init__(**kwargs)

    @property
    def field(self) -> RecordField:
        """The field, offering what the list's reader may choose."""
        if not hasattr(self, "_field"):
            self._field = _RecordChip(self.kind, required=False, label=self.label, empty_label=self.empty_label)
            self._field.offer(self.parent.request.user)
        return self._field
