"""Who may do what with fallout, and where people find it."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from fallout import clock, detection, resolution, routing, rulecases
from fallout.models import Fallout
from kernel import finding, frame, home, moving, roles, tableuse
from kernel.models import User

VIEW = "fallout.view_fallout"
RESOLVE, ASSIGN = "fallout.resolve_fallout", "fallout.assign_fallout"

READS = ("fallout.view_runbook",)

for _role in ("fallout_agent", "fallout_manager"):
    roles.grant(
        _role, VIEW, RESOLVE, *READS, "fallout.change_runbook",
        "fulfillment.view_task", "fulfillment.view_flow", "fulfillment.work_task",
        "fulfillment.skip_task", "orders.view_order", "crm.view_account", "crm.view_site", "cmdb.view_product",
        "cmdb.view_service", "cmdb.view_resource",
    )  # fmt: skip
roles.grant("fallout_manager", ASSIGN, "fulfillment.assign_task")
for _role in ("order_manager", "order_fulfilment_agent", "fulfilment_manager", "process_admin", "service_agent"):
    roles.grant(_role, VIEW, *READS, "crm.view_account")
roles.grant("process_admin", "fallout.change_runbook", "fallout.add_runbook", "fallout.delete_runbook")


def _open() -> int:
    return int(Fallout.objects.filter(state__in=detection.OPEN).count())


def _actions(user: User) -> Iterable[home.Action]:
    mine = Q(owner=user) | Q(owner=None, team__in=user.teams)
    return _wanting(Fallout.objects.filter(mine, state__in=detection.OPEN), "Mend")


def _ownerless(user: User) -> Iterable[home.Action]:
    """What no team of one's own has and nobody took."""
    return _wanting(Fallout.objects.filter(owner=None, state__in=detection.OPEN).exclude(team__in=user.teams), "Assign")


def _wanting(rows: Any, word: str) -> Iterable[home.Action]:
    now = timezone.now()

    def tell(fallout: Fallout) -> home.Action:
        left = clock.left(fallout.sla_due_at, now, fallout.sla_left)
        return home.Action(
            text=fallout.cause, url=reverse("fallout:record", args=[fallout.number]),
            detail=", ".join(filter(None, [fallout.account.name, fallout.site.name if fallout.site else ""])),
            number=fallout.number, icon="alert-octagon", tone=left.tone or "wait", due=left.text,
            due_detail="SLA" if not left.over else "over its time", word=word, at=fallout.sla_due_at,
        )  # fmt: skip

    def rest(count: int) -> home.Action:
        return home.Action(
            text=f"{count} more in fallout", url=reverse("fallout:fallout_list"), icon="alert-octagon", tone="idle",
            detail="by cause, to mend many at once", word="Show", stands_for=count,
        )  # fmt: skip

    yield from home.worst(rows.select_related("site", "account").order_by("sla_due_at"), tell, rest)


def _figures(user: User) -> Iterable[home.Figure]:
    rows = Fallout.objects.filter(state__in=detection.OPEN)
    late = rows.filter(sla_due_at__lt=timezone.now(), sla_left=None).count()
    desk = reverse("fallout:fallout_list")
    yield home.Figure("Fallout open", str(rows.count()), desk, "over all teams")
    yield home.Figure("SLA missed", str(late), f"{desk}?due=over", "of the open ones", "bad" if late else "")


def _ways(rows: Any, sought: finding.Sought) -> Iterable[Any]:
    """By number or cause."""
    yield rows.filter(Q(number=sought.text.upper()) | sought.within("cause"))


def _tell(fallout: Fallout) -> finding.Found:
    where = ", ".join(filter(None, [fallout.account.name, fallout.site.name if fallout.site else ""]))
    url = reverse("fallout:record", args=[fallout.number])
    return finding.Found(fallout.cause, url, where, fallout.number, "alert-octagon")


frame.add(
    frame.NavItem(
        "Deliver", "Fallout", "alert-octagon", "fallout:fallout_list", VIEW, 30, lambda user: _open(), hot=True
    ),
    frame.NavItem(
        "Process", "Fallout rules", "alert-octagon", "decision_table_latest", "kernel.view_decisiontable", 37,
        args=(routing.TABLE,),
    ),
    frame.NavItem("Process", "Runbooks", "book-2", "fallout:runbook_list", "fallout.add_runbook", 38),
)  # fmt: skip
frame.add_new(frame.NewItem("Runbook", "book-2", "fallout:runbook_begin", "fallout.add_runbook", 92))
home.next_actions(RESOLVE, _actions)
home.next_actions(ASSIGN, _ownerless)
home.figures(RESOLVE, _figures, order=20)
finding.register(
    "Fallout", "alert-octagon", VIEW, order=60, ways=_ways, tell=_tell,
    rows=lambda user: Fallout.objects.visible_to(user).select_related("account", "site").order_by("-pk"),
)  # fmt: skip
moving.register(
    Fallout,
    take=lambda pk, by, reason: resolution.take(fallout_id=pk, by=by),
    hold=lambda pk, by, reason: resolution.hold(fallout_id=pk, by=by, reason=reason),
    await_information=lambda pk, by, reason: resolution.await_information(fallout_id=pk, by=by, reason=reason),
    resume=lambda pk, by, reason: resolution.resume(fallout_id=pk, by=by),
)
tableuse.add(*rulecases.USES)
