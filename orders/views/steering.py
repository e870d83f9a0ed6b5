"""Steering from the order's page: the promised date, priorities, one task with its owner and its date."""

import datetime as dt
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods

from fulfillment import queries, taskdate, taskwork
from fulfillment.forms.assigning import GiveForm
from fulfillment.jeopardy import day as in_words
from fulfillment.models import Flow, Task
from kernel import htmx
from kernel.picking import chosen
from kernel.refusal import Refusal
from kernel.views.records import back
from kernel.workspace import allowed, person
from orders import outlook, prioritising, promising, redating, reopening
from orders.forms import PriorityForm, PromiseForm, ReopenForm, TaskDateForm
from orders.models import Order
from orders.views.page import visible

ROOT = Order._meta.label_lower
AT_FIELDS = ("day", "reason", "assignee")
METHODS = ["GET", "HEAD", "POST"]


@allowed("orders.view_order", "contracts.edit_quote")
@require_http_methods(METHODS)
def reopen(request: HttpRequest, number: str) -> HttpResponse:
    """Take an order that has not started back to its quote, to change what was sold."""
    order = visible(request, number)
    form = ReopenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            quote = reopening.reopen(order_id=order.pk, by=person(request), reason=form.cleaned_data["reason"])
            said = f"{order.number} is cancelled. Change {quote}; the contract holds until it is signed."
            return htmx.go(request, quote.get_absolute_url(), toast=said)
        except Refusal as refusal:
            if refusal.status != Refusal.status:
                raise
            _put(form, refusal)
    lead = reopening.problem(order) or (
        f"{order.number} is cancelled, and a change of the contract is quoted with all lines and prices as they were "
        "signed. The contract holds until the customer signs the change."
    )
    return _form(request, order, form, "Reopen the quote", "Reopen the quote", lead)


@allowed("orders.view_order", "orders.steer_order")
@require_http_methods(METHODS)
def redate(request: HttpRequest, number: str) -> HttpResponse:
    """Move the promised date."""
    order = visible(request, number)
    form = PromiseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            promising.move(order_id=order.pk, by=person(request), **form.cleaned_data)
            return htmx.go(request, _back(request, order), toast="The new date is promised, and the customer is told.")
        except Refusal as refusal:
            _put(form, refusal)
    forecast = getattr(order, "forecast", None)
    lead = f"{order.number} is promised for {in_words(order.promised_on)}." if order.promised_on else ""
    if forecast and forecast.expected_on:
        lead += f" It is expected on {in_words(forecast.expected_on)}."
    return _form(request, order, form, "Move the promise", "Promise this date", lead)


@allowed("orders.view_order", "orders.steer_order")
@require_http_methods(METHODS)
def prioritise(request: HttpRequest, number: str) -> HttpResponse:
    """Raise or lower the priority of the order, a line or one flow."""
    order = visible(request, number)
    now = prioritising.word(order.priority)
    scopes = _scopes(request, order)
    start = {"scope": scopes[-1][0] if request.GET.get("flow") else "order", "rank": now}
    form = PriorityForm(request.POST or None, scopes=scopes, initial=start)
    if request.method == "POST" and form.is_valid():
        scope, _, key = form.cleaned_data["scope"].partition(":")
        try:
            reached = prioritising.prioritise(
                order_id=order.pk, rank=form.cleaned_data["rank"], reason=form.cleaned_data["reason"],
                by=person(request), line_key=key if scope == "line" else "",
                flow_id=int(key) if scope == "flow" else None,
            )  # fmt: skip
            said = f"{reached} open task{' has' if reached == 1 else 's have'} the new priority."
            return htmx.go(request, _back(request, order), toast=said)
        except Refusal as refusal:
            _put(form, refusal)
    lead = f"{order.number} has {now} priority. What is ready is taken up in this order; nothing running is stopped."
    return _form(request, order, form, "Priority", "Set priority", lead)


def _scopes(request: HttpRequest, order: Order) -> list[tuple[str, str]]:
    """What can be chosen: the order, its lines, and the piece of work that the panel was opened from."""
    found = [("order", "The whole order")]
    lines = order.lines.select_related("offering", "site").order_by("position", "id")
    found += [(f"line:{line.key}", f"{line.offering}{f', {line.site.name}' if line.site else ''}") for line in lines]
    asked = request.GET.get("flow", "")
    flow = Flow.objects.filter(pk=int(asked), root_type=ROOT, root_id=order.pk).first() if _number(asked) else None
    return [*found, (f"flow:{flow.pk}", f"Only {flow.name}")] if flow else found


@allowed("orders.view_order", "fulfillment.view_task")
@require_http_methods(METHODS)
def task(request: HttpRequest, number: str, task: str) -> HttpResponse:
    """One task beside the graph or the timeline: blocked by, next, dates; assign it, date it, try a date out."""
    order = visible(request, number)
    rows = Task.objects.visible_to(person(request)).filter(flow__root_type=ROOT, flow__root_id=order.pk)
    record = get_object_or_404(
        rows.select_related("flow__site", "assignee", "item", "forecast", "told_date"), number=task
    )
    told = getattr(record, "told_date", None)
    form = TaskDateForm(initial={"day": told.ends_on, "reason": told.reason} if told else None)
    if request.method != "POST":
        return _task(request, order, record, form)
    try:
        return _act(request, order, record)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        name = request.POST.get("act", "")
        if name in ("date", "preview"):
            form = TaskDateForm(request.POST)
            form.fields["reason"].required = name == "date"
            _put(form, refusal)
        return _task(request, order, record, form, problems=refusal.problems)


def _act(request: HttpRequest, order: Order, record: Task) -> HttpResponse:
    user, name = person(request), request.POST.get("act", "")
    if name == "assign":
        taskwork.assign(record.pk, chosen(GiveForm(request.POST, by=user, task=record), "assignee"), user)
        return htmx.go(request, _back(request, order), toast=f"{record.name} has a new owner.")
    if name == "undate":
        redating.redate(order_id=order.pk, task_id=record.pk, day=None, reason="", by=user)
        return htmx.go(request, _back(request, order), toast=f"{record.name} is expected by its duration again.")
    day, reason = parse_date_safely(request.POST.get("day", "")), request.POST.get("reason", "").replace("\x00", "")
    if day is None:
        raise Refusal(problems={"day": ["Choose a day."]})
    if name == "date":
        redating.redate(order_id=order.pk, task_id=record.pk, day=day, reason=reason, by=user)
        return htmx.go(request, _back(request, order), toast=f"{record.name} is expected on {in_words(day)}.")
    taskdate.require_right(user)
    taskdate.require_sense(day, reason or "-")
    found = redating.preview(order, record, day)
    return _task(request, order, record, TaskDateForm(initial={"day": day, "reason": reason}), tried=found, day=day)


def parse_date_safely(text: str) -> dt.date | None:
    """A day as a form sends it, None for anything else."""
    try:
        return parse_date(text)
    except ValueError:
        return None


def _task(
    request: HttpRequest, order: Order, record: Task, form: TaskDateForm, *,
    tried: redating.Consequence | None = None, day: dt.date | None = None,
    problems: dict[str, list[str]] | None = None,
) -> HttpResponse:  # fmt: skip
    user, problems = person(request), problems or {}
    by_person = record.kind in queries.FOR_PEOPLE
    is_open = record.state not in Task.CLOSED
    gives = is_open and by_person and user.has_perm("fulfillment.assign_task")
    waits = queries.waits_for(record)
    context = {
        "record": record, "order": order, "form": form, "tried": tried, "day": day, "title": record.name,
        "forecast": getattr(record, "forecast", None), "told": getattr(record, "told_date", None),
        "blocked": outlook.task_blocked_by(record, waits),
        "next_up": outlook.task_next(record, queries.holds_back(record)),
        "may_date": is_open and user.has_perm("fulfillment.change_taskdate"), "is_open": is_open,
        "by_person": by_person,
        "giving": GiveForm(request.POST if "assignee" in problems else None, by=user, task=record) if gives else None,
        "may_steer": is_open and user.has_perm("orders.steer_order"), "problems": problems,
        "priority": prioritising.word(record.priority), "crumbs": _crumbs(order), "back": _back(request, order),
        "whole": [text for key, texts in problems.items() if key not in AT_FIELDS for text in texts],
    }  # fmt: skip
    return htmx.respond(request, "orders/task.html", context, part="panel", status=422 if problems else 200)


def _number(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


def _form(request: HttpRequest, order: Order, form: forms.Form, title: str, verb: str, lead: str) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form, "title": title, "verb": verb, "lead": lead, "order": order, "crumbs": _crumbs(order),
        "back": _back(request, order),
    }  # fmt: skip
    return htmx.respond(request, "orders/panel.html", context, part="panel", status=422 if form.errors else 200)


def _crumbs(order: Order) -> list[tuple[str, str]]:
    return [("Orders", reverse("orders:order_list")), (order.number, order.get_absolute_url())]


def _back(request: HttpRequest, order: Order) -> str:
    """The page behind the panel; the order's own when the panel was a page."""
    came = back(request)
    return order.get_absolute_url() if came == "/" or request.path in came else came


def _put(form: forms.Form, refusal: Refusal) -> None:
    """The refusal's sentences at the form's fields; what is about the person or the state is passed on."""
    if refusal.status != 422:
        raise refusal
    for field, texts in refusal.problems.items():
        for text in texts:
            if field in form.fields and text not in form.errors.get(field, []):
                form.add_error(field, text)
            elif field not in form.fields and form.is_bound:
                form.add_error(None, text)
