"""Many at once: one act for many records of a list, previewed with reasons, frozen, then done and answered one by one.

A list declares its acts; `moves` makes one of a lifecycle's move, `Act` one of anything else:

    class Leads(tables.ListPage):
        acts = (
            many.moves(Lead, "disqualify", icon="x"),
            many.Act("give", "Give to", "user-plus", "crm.change_lead", one=give, form=OwnerForm),
        )

A page that asks in words of its own (the fallout desk) declares its acts on a `Taken`, freezes what it showed with
`frozen_for` and starts what was frozen; everything after that is the same. Each record is done in a transaction of its
own together with its answer. What was cut off goes on where it stopped, by
whichever worker finds it; what was done stays done when it is stopped.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar

from django.core.exceptions import BadRequest, ObjectDoesNotExist
from django.db import IntegrityError, InterfaceError, OperationalError, models, transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.module_loading import import_string

from kernel import amending, clash, freezing, jobs, lifecycle, listslips, moving, paperwork
from kernel.models.many import Many, ManyItem
from kernel.models.people import User
from kernel.refusal import NotPermitted, Refusal

log = logging.getLogger(__name__)
SLIP, PREVIEW = "kernel.many.list", "kernel.many.preview"
LIMIT = 1000
AMENDS = "amend"
AT_ONCE = 20  # so many are done while the person waits; more go to a worker
RUN = "kernel.tasks.run_many"
Answer = ManyItem.Answer
WAITS = """
EXISTS (SELECT FROM kernel_many m WHERE m.ended_at IS NULL AND m.asked_at < clock_timestamp() - interval '10 s'
    AND NOT EXISTS (SELECT FROM kernel_manyitem i
                    WHERE i.many_id = m.id AND i.done_at > clock_timestamp() - interval '10 s'))
"""


@dataclass(frozen=True)
class Act:
    """One act for many records of a list.

    `one(pk, by, **values)` does it for one record and may refuse; `why_not(record, by)` says in advance why it would.
    `form` asks, once for all, what `one` needs: a class of form whose cleaned values it takes. `ended(keys, by)` hears
    once which were done. `page` names the address of a page that takes the ticked rows instead of a preview.
    """

    key: str
    label: str
    icon: str
    permission: str
    one: Callable[..., Any]
    why_not: Callable[[Any, User], str] = lambda record, by: ""
    form: Any = None
    ended: Callable[[list[int], User], Any] | None = None
    page: str = ""
    target: str = ""  # the state that it leads to, whose types of file have to be there


class Taken:
    """What acts for many are declared on: a list, or a desk that previews them in words of its own."""

    model: ClassVar[type[models.Model]]
    acts: ClassVar[tuple[Act, ...]] = ()
    related: ClassVar[tuple[str, ...]] = ()
    edits: ClassVar[amending.Edits | None] = None
    seen_with: ClassVar[str] = ""  # the permission of those who see what others did; everybody sees their own
    stopped_with: ClassVar[str] = ""

    @staticmethod
    def named(record: Any) -> str:
        """What an answer calls the record."""
        return str(record)


def moves(model: type[models.Model], name: str, *, icon: str, permission: str = "", form: Any = None) -> Act:
    """A move of the records' lifecycle as an act; `form` has a field `reason` where the move needs one."""
    declared = next(t for t in lifecycle.transitions_of(model) if t.name == name)

    def one(pk: int, by: User, reason: str = "") -> Any:
        return moving.make(model._default_manager.get(pk=pk), name, by=by, reason=reason)

    def why_not(record: Any, by: User) -> str:
        found = next((move for move in lifecycle.moves(record, by) if move.name == name), None)
        return found.why_not.rstrip(".").lower() if found else f"{record.get_state_display().lower()}"

    label = str(declared.custom.get("label") or name.replace("_", " ").capitalize())
    return Act(name, label, icon, permission or str(declared.permission or ""), one, why_not, form,
               target=str(declared.target))  # fmt: skip


@dataclass
class Preview:
    """What an act would do: which records it takes, which it leaves out and why."""

    act: Act
    path: str
    everything: bool
    matching: int
    picked: list[int]
    ready: list[Any] = field(default_factory=list)
    left_out: dict[str, list[Any]] = field(default_factory=dict)
    token: str = ""

    @property
    def count(self) -> int:
        """How many it takes."""
        return len(self.ready)


def offered(acts: tuple[Act, ...], by: Any) -> list[Act]:
    """The acts that a person may do to many."""
    return [act for act in acts if not act.permission or by.has_perm(act.permission)]


def slip(declared: type, path: str, query: str) -> str:
    """What a list's page hands back, so that “all that match” means what its reader saw."""
    return listslips.write(SLIP, declared, path, query=query)


def preview(told: str, key: str, *, picked: list[int], everything: bool, by: User) -> Preview:
    """Sort the ticked records, or all that match, into those that an act takes and those that it leaves out.

    Raises:
        BadRequest: a slip or an act that the list did not give.
        NotPermitted: the person may not open the list or do the act.
        Refusal: nothing is ticked, or more than 1,000 at once.
    """
    declared, page = listslips.read(SLIP, told, by)
    act = _act(declared, key, by)
    if not picked and not everything:
        raise Refusal("Tick at least one row, or take all that match.")
    tables: Any = import_module("kernel.tables")
    found = tables.found(declared, page["path"], page["query"], by)
    made = Preview(act, page["path"], everything, found.order_by().count(), picked)
    records = list((found if everything else found.filter(pk__in=picked)).order_by("pk")[: LIMIT + 1])
    if len(records) > LIMIT:
        raise Refusal(f"At most {LIMIT:,} at once. Filter the list, or take this page only.")
    lacking = paperwork.lacking(declared.model, [record.pk for record in records], act.target)
    for record in records:
        why = act.why_not(record, by) or paperwork.why_not(lacking.get(record.pk, []))
        if why:
            made.left_out.setdefault(why, []).append(record)
        else:
            made.ready.append(record)
    made.token = frozen_for(declared, page["path"], key, made.ready, by)
    return made


def frozen_for(declared: type[Taken], path: str, key: str, records: list[Any], by: User) -> str:
    """The token of a preview that took these records."""
    keys = [record.pk for record in records]
    return freezing.freeze(PREVIEW, {"list": freezing.path_of(declared), "path": path, "act": key, "ids": keys}, by)


@transaction.atomic
def start(frozen: dict[str, Any], values: dict[str, Any], by: User, *, about: str = "") -> Many:
    """Begin what a preview froze; pressing twice gives the same. Its values have been checked by the act's form.

    Raises:
        NotPermitted: the person may not do the act.
        Refusal: the preview took nothing.
    """
    declared = import_string(frozen["list"])
    act = _act(declared, frozen["act"], by)
    rows = declared.model._default_manager.visible_to(by).select_related(*declared.related)
    found = {row.pk: declared.named(row) for row in rows.filter(pk__in=frozen["ids"]).order_by("pk")}
    if not found:
        raise Refusal("Nothing is left that this would change.")
    items = [ManyItem(subject_id=pk, name=name[:200]) for pk, name in found.items()]
    return begin(
        declared, act, frozen["path"], items, by, once=repr(sorted(frozen.items())), values=values, about=about
    )


@transaction.atomic
def begin(
    declared: type[Taken], act: Act, path: str, items: list[ManyItem], by: User, *, once: str,
    values: dict[str, Any] | None = None, about: str = "",
) -> Many:  # fmt: skip
    """Begin an act for these records; the same `once` gives the same."""
    mark = hashlib.sha256(once.encode()).hexdigest()
    try:
        with transaction.atomic():
            made: Many = Many.objects.create(
                declared=freezing.path_of(declared), act=act.key, label=act.label, path=path, values=values or {},
                key=mark, by=by, total=len(items), about=about[:200], seen_with=declared.seen_with,
            )  # fmt: skip
    except IntegrityError:
        return Many.objects.get(key=mark)
    for item in items:
        item.many = made
    ManyItem.objects.bulk_create(items, batch_size=500)
    jobs.wake(RUN, many_id=made.pk)
    return made


def amends(declared: Any, label: str = "Changes from a file") -> Act:
    """The act that stores what a file says of each record, or takes it back."""
    edits: amending.Edits = declared.edits

    def one(pk: int, by: User, edition: int, typed: dict[str, str], **_: Any) -> Any:
        return amending.amend(edits, declared.model, pk, edition=edition, by=by, typed=typed)

    return Act(AMENDS, label, "pencil", edits.permission, one)


def work(many_id: int, limit: int | None = None) -> int:
    """Do what is left, beside other workers. Returns how many records got their answer here."""
    done = 0
    while (limit is None or done < limit) and clash.again(lambda: _one(many_id)):
        done += 1
    _finish(many_id)
    return done


def sweep() -> int:
    """Go on with what lost its message or its worker. Returns how many were woken."""
    keys = list(Many.objects.filter(ended_at=None).order_by("pk").values_list("pk", flat=True)[:50])
    for pk in keys:
        jobs.wake(RUN, many_id=pk)
    return len(keys)


@transaction.atomic
def stop(*, many_id: int, by: User) -> Many:
    """Leave the rest as it is; what was done stays done.

    Raises:
        DoesNotExist: it is somebody else's.
        NotPermitted: one may see it, and not stop it.
    """
    made: Many = Many.objects.visible_to(by).select_related("by").locked(many_id)
    if not may_stop(made, by):
        raise NotPermitted(f"{made.by} started this. A manager may stop it.")
    if made.ended_at is None:
        made.items.filter(answer="").update(answer=Answer.LEFT, why="Stopped before its turn.")
        made.stopped = True
        _end(made)
    return made


def may_stop(made: Many, by: User) -> bool:
    """Whoever began it may, and those whom its list names."""
    right = declared_by(made).stopped_with
    return made.by_id == by.pk or bool(right and by.has_perm(right))


def declared_by(made: Many) -> type[Taken]:
    """The list, or desk, that its acts are declared on."""
    import_module("config.urls")  # the lists stand beside their views
    return import_string(made.declared)  # type: ignore[no-any-return]


def running(declared: type[Taken]) -> Any:
    """What is being done to many there now, whoever began it, the latest first."""
    return Many.objects.filter(declared=freezing.path_of(declared), ended_at=None).select_related("by").order_by("-pk")


def progress(made: Many) -> dict[str, int]:
    """How many records have which answer; "" for those that wait."""
    found = dict.fromkeys(["", *Answer.values], 0)
    found.update(made.items.order_by().values_list("answer").annotate(Count("pk")))
    return found


def _act(declared: Any, key: str, by: User) -> Act:
    for act in _acts(declared):
        if act.key == key:
            if act.permission and not by.has_perm(act.permission):
                raise NotPermitted(f"Your roles do not include the right to do this: {act.label.lower()}.")
            return act
    raise BadRequest("There is no such act for many records.")


def _acts(declared: Any) -> list[Act]:
    return [*declared.acts, *([amends(declared)] if declared.edits else [])]


@transaction.atomic
def _finish(many_id: int) -> None:
    made: Many = Many.objects.select_related("by").locked(many_id)
    if made.ended_at is None and not made.items.filter(answer="").exists():
        _end(made)


def _end(made: Many) -> None:
    made.ended_at = timezone.now()
    made.save(update_fields=["ended_at", "stopped"])
    act = next((one for one in _acts(declared_by(made)) if one.key == made.act), None)
    if act is not None and act.ended is not None:
        act.ended(list(made.items.filter(answer=Answer.DONE).values_list("subject_id", flat=True)), made.by)


@transaction.atomic
def _one(many_id: int) -> bool:
    """Take the next waiting record, act, and keep the answer beside it. False when none is left."""
    rows = ManyItem.objects.filter(many=many_id, answer="", many__ended_at=None)
    item = rows.select_for_update(skip_locked=True, of=("self",)).select_related("many__by").order_by("pk").first()
    if item is None:
        return False
    item.answer, item.why, item.done_at = *_answered(item), timezone.now()
    item.save(update_fields=["answer", "why", "done_at"])
    return True


def _answered(item: ManyItem) -> tuple[str, str]:
    by: User = item.many.by
    declared = declared_by(item.many)
    rows: Any = declared.model._default_manager
    try:
        with transaction.atomic():
            act = _act(declared, item.many.act, by)
            rows.visible_to(by).get(pk=item.subject_id)
            values = _cleaned(act, by, item.many.values) if item.values is None else item.values
            act.one(item.subject_id, by, **values)
    except ObjectDoesNotExist:
        return Answer.REFUSED, "You do not see this any more."
    except Refusal as refusal:
        return Answer.REFUSED, str(refusal)[:400]
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # the others are not held up by one that nobody foresaw
        log.exception("%s of %s %s", item.many.act, item.many.declared, item.subject_id)
        return Answer.REFUSED, "Something went wrong here, and nothing of it was changed. The log has the details."
    return Answer.DONE, ""


def asking(act: Act, by: User, data: Any = None) -> Any:
    """The act's form for one person, none when it asks nothing."""
    form = act.form(data) if act.form else None
    if form is not None:
        for field in form.fields.values():
            if hasattr(field, "offer"):  # a record of a kind that this person may choose
                field.offer(by)
    return form


def _cleaned(act: Act, by: User, values: dict[str, Any]) -> dict[str, Any]:
    if act.form is None:
        return values
    form = asking(act, by, values)
    if not form.is_valid():
        raise Refusal(problems={name: [str(text) for text in texts] for name, texts in form.errors.items()})
    return dict(form.cleaned_data)
