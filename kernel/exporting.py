"""Exporting: a long list is written to a file by a worker, for the person who asked, with exactly what they may see."""

import datetime as dt
import io
import logging
from importlib import import_module
from typing import Any

from django.core.cache import cache
from django.core.exceptions import BadRequest
from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.text import slugify

from kernel import csvfile, jobs, listfile, listslips, notifications, savedviews, workspace
from kernel.models.listing import Export
from kernel.models.people import User
from kernel.refusal import Refusal

SALT = "kernel.export"
KEPT_DAYS = 7
RUN = "kernel.tasks.write_export"
WAITS = """
EXISTS (SELECT FROM kernel_export WHERE ended_at IS NULL AND asked_at < clock_timestamp() - interval '15 s')
"""
log = logging.getLogger(__name__)


class Stopped(Exception):
    """Its owner wants the file no more."""


def order(declared: type, path: str, query: str) -> str:
    """A slip by which the reader of this list may ask for its file."""
    return listslips.write(SALT, declared, path, query=savedviews.kept(query))


def ask(slip: str, form: str, by: User) -> Export:
    """Have a file written; asking again while it is being written gives the same one.

    Raises:
        BadRequest: a slip or a form that we did not give.
        NotPermitted: the person may not open the list.
    """
    declared, told = listslips.read(SALT, slip, by)
    if form not in listfile.TYPES:
        raise BadRequest("A list is given as csv or xlsx.")
    same = {"declared": told["list"], "path": told["path"], "query": told["query"], "form": form, "owner": by}
    try:
        with transaction.atomic():
            made: Export = Export.objects.create(title=declared.title, **same)
    except IntegrityError:
        made = Export.objects.filter(ended_at=None, **same).first() or Export.objects.filter(**same).latest("asked_at")
    jobs.wake(RUN, export_id=made.pk)
    return made


@transaction.atomic
def write(export_id: int) -> bool:
    """Write a file that nobody else is writing, and tell its owner. Returns whether there was something to do."""
    rows = Export.objects.select_for_update(skip_locked=True, of=("self",)).select_related("owner")
    export = rows.filter(pk=export_id, ended_at=None).first()
    if export is None:
        return False
    try:
        with transaction.atomic():
            export.rows = _write(export)
    except Stopped:
        export.trouble = "Stopped by you."
    except (Refusal, BadRequest) as error:
        export.trouble = str(error)[:300]
    except Exception:
        log.exception("the file of %s could not be written", export.path)
        export.trouble = "It could not be written. Open the list and ask again; tell an administrator if it stays so."
    export.ended_at = timezone.now()
    export.save()
    if not export.trouble:
        notifications.tell([export.owner], f"{export} is ready: {export.rows:,} rows.", "/exports/", event="file")
    return True


def sweep() -> int:
    """Go on with files whose message was lost or whose worker died. Returns how many were woken."""
    waiting = list(Export.objects.filter(ended_at=None).order_by("pk").values_list("pk", flat=True)[:20])
    for pk in waiting:
        jobs.wake(RUN, export_id=pk)
    return len(waiting)


def progress(export: Export) -> int:
    """Rows written so far, as far as is known."""
    return int(cache.get(_key(export, "rows")) or 0)


def stop(export: Export) -> None:
    """Ask the worker to leave it."""
    cache.set(_key(export, "stop"), 1, 3600)


def forget() -> int:
    """Files are kept for a week. Returns how many were thrown away."""
    old = Export.objects.filter(ended_at__lt=timezone.now() - dt.timedelta(days=KEPT_DAYS))
    for export in old.exclude(file=""):
        export.file.delete(save=False)
    return int(old.delete()[0])


def _key(export: Export, what: str) -> str:
    return f"export:{export.pk}:{what}"


def _write(export: Export) -> int:
    if not workspace.may_open(export.owner, export.path):
        raise Refusal("You may not open this list any more.")
    import_module("config.urls")  # the lists stand beside their views
    tables: Any = import_module("kernel.tables")
    columns, found = tables.cells(import_string(export.declared), export.path, export.query, export.owner)
    count = found.order_by().count()
    if count > listfile.MOST[export.form]:
        raise Refusal(f"A file holds {listfile.MOST[export.form]:,} rows at most. Filter the list first.")

    def told(number: int) -> None:
        cache.set(_key(export, "rows"), number, 3600)
        if cache.get(_key(export, "stop")):
            raise Stopped

    cells = listfile.rows(columns, found, told)
    content = io.BytesIO()
    if export.form == "csv":
        for line in csvfile.lines(cells):
            content.write(line.encode())
    else:
        listfile.write_workbook(cells, content)
    content.seek(0)
    export.file.save(f"{slugify(export.title) or 'list'}-{export.pk}.{export.form}", File(content), save=False)
    return int(count)
