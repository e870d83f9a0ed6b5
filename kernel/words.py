"""Words: search by whole words and their beginnings, through an index, in tables that grow by the hundred thousand.

indexes = [words.index("order_words", "number", "title")]          # in the model's Meta
rows.filter(words.match("noord retail", "number", "title"))        # the same fields in the same order
"""

from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.db.models import BooleanField, F, Func, TextField, Value
from django.db.models.expressions import Combinable

BETWEEN = "-_/.,;:@()+&#"  # signs that part words, in what is stored as in what is typed
MOST = 8  # words of a search


class Vector(Func):
    """The words of some fields; spelt alike in the index and in the question, so that the one serves the other."""

    template = f"to_tsvector('simple'::regconfig, translate(%(expressions)s, '{BETWEEN}', '{' ' * len(BETWEEN)}'))"
    arg_joiner = " || ' ' || "
    output_field = TextField()


class _Match(Func):
    """Whether words are among those of a vector."""

    template = "%(expressions)s"
    arg_joiner = " @@ "
    output_field = BooleanField()


class _Wanted(Func):
    """What is looked for."""

    template = "to_tsquery('simple'::regconfig, %(expressions)s)"
    output_field = TextField()


def index(name: str, *fields: str | Combinable) -> GinIndex:
    """An index of the words of texts that are never NULL: fields, or what is made of them."""
    return GinIndex(Vector(*fields), name=name)


def match(typed: str, *fields: str | Combinable) -> Combinable | Any:
    """A condition: every word typed begins one of the fields' words. Nothing fits when no word was typed."""
    parts = typed.replace("\x00", "").translate(str.maketrans(BETWEEN, " " * len(BETWEEN))).split()[:MOST]
    wanted = " & ".join("'{}':*".format(part.replace("\\", "\\\\").replace("'", "''")) for part in parts)
    return _Match(Vector(*(F(field) if isinstance(field, str) else field for field in fields)), _Wanted(Value(wanted)))
