"""Many keys: a long list of keys in a query reaches the database as one array, many times cheaper than one by one."""

from typing import Any

from django.db import models
from django.db.models.lookups import In

FEW = 20  # up to so many an ordinary list is as good


@models.BigAutoField.register_lookup
class ManyKeys(In):
    """`pk__in` with numbers at hand; whatever else is asked for is left to Django."""

    def get_prep_lookup(self) -> Any:
        """Numbers need no preparing."""
        return self.rhs if self._plain() else super().get_prep_lookup()

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """One array, and one parameter."""
        if not self._plain():
            return super().as_sql(compiler, connection)
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s::bigint[])", [*parameters, f"{{{','.join(map(str, self.rhs))}}}"]

    def _plain(self) -> bool:
        keys = self.rhs
        return isinstance(keys, list | tuple | set | frozenset) and len(keys) > FEW and {*map(type, keys)} == {int}
