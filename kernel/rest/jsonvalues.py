"""A lookup for JSON objects: whether one of their values reads so, as in `characteristics__values_of="100"`."""

from typing import Any

from django.db import models
from django.db.models import Lookup


@models.JSONField.register_lookup
class ValuesOf(Lookup[Any]):
    """`path__values_of="text"` on an object of plain values."""

    lookup_name = "values_of"

    def get_prep_lookup(self) -> Any:
        """A text is a text, not JSON."""
        return str(self.rhs)

    def get_db_prep_lookup(self, value: Any, connection: Any) -> Any:
        """As it is."""
        return "%s", [value]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Each value is compared as text."""
        left, left_values = self.process_lhs(compiler, connection)
        right, right_values = self.process_rhs(compiler, connection)
        sql = f"EXISTS (SELECT FROM jsonb_each_text({left}) AS each WHERE each.value = {right})"
        return sql, [*left_values, *right_values]
