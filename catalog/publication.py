"""Publication: catalogue files in and out, with every difference named before it is applied.

A file is YAML with one list per section. Entries are matched by key and version, created or brought up to date, never
deleted. Other apps add sections of their own (plans, points of presence) with `section`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from django.core.exceptions import FieldError, ObjectDoesNotExist, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from catalog import events
from kernel import audit, outbox
from kernel.models import User
from kernel.refusal import Refusal


class ImportRefused(Refusal):
    """The file cannot be applied; `problems` maps the place in the file to what is wrong there."""


@dataclass(frozen=True)
class Change:
    """One entry that the file creates or changes; `fields` is name → [old, new]."""

    section: str
    name: str
    kind: str  # created | changed | same
    fields: dict[str, list[Any]] = field(default_factory=dict)


Loader = Callable[[dict[str, Any], User | None], Iterable[Change]]  # one entry of the section
Dumper = Callable[[], list[dict[str, Any]]]
Finisher = Callable[[list[dict[str, Any]]], dict[str, list[str]]]  # problems of the whole list, by place


@dataclass(frozen=True)
class Section:
    """How one list of the file is read and written."""

    name: str
    load: Loader
    dump: Dumper
    order: int
    finish: Finisher | None = None


_sections: dict[str, Section] = {}


def section(name: str, load: Loader, dump: Dumper, order: int = 100, finish: Finisher | None = None) -> None:
    """Register a section; lower `order` is read first, `finish` checks it as a whole. Called while apps load."""
    _sections[name] = Section(name, load, dump, order, finish)


def sections() -> list[Section]:
    """All sections in reading order."""
    return sorted(_sections.values(), key=lambda entry: entry.order)


def read(path: Path) -> dict[str, Any]:
    """The document in a file. Raises ImportRefused if it is not YAML with sections."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ImportRefused(f"{path.name} cannot be read as text in UTF-8: {error}") from error
    return read_text(text, path.name)


def read_text(text: str, name: str = "The file") -> dict[str, Any]:
    """The document in a text. Raises ImportRefused if it is not YAML with sections, with line and column."""
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 – a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ImportRefused(problems={place: [f"{name} cannot be read as YAML: {error.problem}."]}) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ImportRefused(f"{name} cannot be read as YAML: {error}") from error
    if not isinstance(document, dict):
        raise ImportRefused(f"{name} has no sections; it should begin with a name such as “specifications:”.")
    return document


def write_text(document: dict[str, Any]) -> str:
    """A document as YAML that `read_text` reads."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


class _Loader(yaml.SafeLoader):
    """Plain YAML without references, so that a small file cannot grow without end."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse aliases."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="references (*name) are not taken", problem_mark=mark)
        return super().compose_node(parent, index)


@transaction.atomic
def load(document: dict[str, Any], by: User | None, *, dry_run: bool = False) -> list[Change]:
    """Apply a document and return what it created and changed; with `dry_run` nothing is kept.

    Raises:
        ImportRefused: an unknown section, a missing field, a dangling reference; nothing is applied.
    """
    known = {entry.name for entry in sections()} | {"catalogue"}
    if unknown := sorted(set(document) - known):
        raise ImportRefused(problems={name: ["There is no such section."] for name in unknown})
    changes: list[Change] = []
    for entry in sections():
        items = document.get(entry.name) or []
        if not isinstance(items, list):
            raise ImportRefused(problems={entry.name: ["This should be a list of entries."]})
        for place, item in enumerate(items):
            changes.extend(_apply(entry, place, item, by))
        if entry.finish and (problems := entry.finish(items)):
            raise ImportRefused(problems=problems)
    if dry_run:
        transaction.set_rollback(True)
        return changes
    created, changed = (sum(c.kind == kind for c in changes) for kind in ("created", "changed"))
    if created or changed:
        outbox.publish(events.CatalogueImported(str(document.get("catalogue", "")), created, changed))
    return changes


def dump(wanted: Iterable[str] = ()) -> dict[str, Any]:
    """The active catalogue as a document that `load` takes; with `wanted` only these sections."""
    names = set(wanted)
    return {entry.name: entry.dump() for entry in sections() if not names or entry.name in names}


def _apply(entry: Section, place: int, item: Any, by: User | None) -> list[Change]:
    where = f"{entry.name}[{place}]"
    if not isinstance(item, dict):
        raise ImportRefused(problems={where: ["This should be an entry with named fields."]})
    where = f"{where} {item.get('key', '')}".strip()
    try:
        return list(entry.load(item, by))
    except KeyError as error:
        raise ImportRefused(problems={where: [f"{error.args[0]} is missing or unknown."]}) from error
    except ObjectDoesNotExist as error:
        raise ImportRefused(problems={where: [f"It refers to something that does not exist: {error}"]}) from error
    except Refusal as error:
        found = {f"{where} {part}".strip(): texts for part, texts in error.problems.items()}
        raise ImportRefused(problems=found) from error
    except (TypeError, ValueError, ValidationError, FieldError, IntegrityError) as error:
        raise ImportRefused(problems={where: [str(error)]}) from error


def put(section_name: str, model: Any, lookup: dict[str, Any], values: dict[str, Any]) -> tuple[Any, Change]:
    """Create the row or bring it up to date; the row and what changed."""
    row = model.objects.filter(**lookup).first()
    name = " ".join(str(value) for value in lookup.values())
    if row is None:
        row = model(**lookup, **values)
        row.full_clean(exclude=["state"])
        row.save()
        return row, Change(section_name, name, "created")
    differences = _differences(row, values)
    if differences:
        for key, value in values.items():
            setattr(row, key, value)
        row.full_clean(exclude=["state"])
        row.save()
        audit.record("imported", row, by=None, changes=differences)
    return row, Change(section_name, name, "changed" if differences else "same", differences)


def renew(section_name: str, model: Any, key: str, values: dict[str, Any], asked: int = 0) -> tuple[Any, Change]:
    """The version in force where it says what the file says, else a new one; what was in force stays as it was.

    `asked` is the number that the file gives the version, taken where it is higher than those there are.
    """
    now = model.objects.in_force().filter(key=key).first()
    differences = _differences(now, values) if now is not None else {}
    if now is not None and not differences:
        return now, Change(section_name, f"{key} {now.version}", "same")
    rows = model.objects.filter(key=key)
    if model().state == "draft" and rows.filter(state="draft").exists():
        raise Refusal(problems={"version": ["There is a draft already. Publish or discard it first."]})
    highest = rows.aggregate(highest=Max("version"))["highest"] or 0
    row = model(key=key, version=max(asked, highest + 1), **values)
    if row.state == "active":  # it counts as soon as it is there
        rows.filter(state="active", valid_from__lte=timezone.localdate()).update(state="retired")
    row.full_clean(exclude=["state"])
    row.save()
    kind = "created" if now is None else "changed"
    return row, Change(section_name, f"{key} {row.version}", kind, differences)


def _differences(row: Any, values: dict[str, Any]) -> dict[str, list[Any]]:
    """Field → what stands there and what the file says; the marks by which rows are told apart do not count."""
    found = {key: [_plain(getattr(row, key)), _plain(value)] for key, value in values.items()}
    return {key: [old, new] for key, (old, new) in found.items() if _unmarked(old) != _unmarked(new)}


def _unmarked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unmarked(one) for one in value]
    return {key: one for key, one in value.items() if key != "_id"} if isinstance(value, dict) else value


def _plain(value: Any) -> Any:
    if hasattr(value, "pk"):
        return value.pk
    try:
        return float(value) if not isinstance(value, bool | str | dict | list) and value is not None else value
    except (TypeError, ValueError):
        return str(value)
