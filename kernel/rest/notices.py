"""Notices: facts become notifications for each listener whose query they meet; sent by sending.py."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from kernel import announcing, events, jobs
from kernel.models import Delivery, Subscription
from kernel.rest import filters, rendering, resource
from kernel.rest.errors import ApiError, invalid
from kernel.rest.filters import Term
from kernel.rest.rendering import Json, Rendering
from kernel.rest.resource import Api, Resource

CREATED, CHANGED, STATE, DELETED = "CreateEvent", "AttributeValueChangeEvent", "StateChangeEvent", "DeleteEvent"
TASK = "kernel.tasks.send_notices"


@dataclass(frozen=True)
class Announced:
    """How records of a model are told as events of a resource.

    `born` and `gone` are actions of the audit trail; `states` maps our state to the TMF word, and where the word does
    not change nothing is told. A first word is a birth: a draft that becomes a promise is created only then. `silent`
    actions are nobody's business; `state_event` is what a definition calls its event, `named` what it calls others.
    """

    api: str
    resource: str
    born: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    states: Mapping[str, str] = field(default_factory=dict)
    attribute: str = "state"
    silent: frozenset[str] = frozenset()
    state_event: str = STATE
    named: Mapping[str, str] = field(default_factory=dict)


_announced: dict[str, list[Announced]] = defaultdict(list)


def announce(label: str, how: Announced) -> None:
    """Tell listeners of that API about records of that model."""
    _announced[label].append(how)
    announcing.watch(label, how.api)


def prepare(told: Iterable[events.Changed]) -> None:
    """Write a delivery for every listener that wants to hear and may see it."""
    made: list[Delivery] = []
    listeners: dict[str, list[Subscription]] = {}
    for event in told:
        for how in _announced.get(event.subject_type, ()):
            kind, shown = _kind(how, event)
            if not kind:
                continue
            if how.api not in listeners:
                rows = Subscription.objects.filter(api=how.api, disabled_at=None, user__is_active=True)
                listeners[how.api] = list(rows.select_related("user").order_by("pk"))
            made += _deliveries(how, event, kind, shown, listeners[how.api])
    Delivery.objects.bulk_create(made)
    if made:
        jobs.wake(TASK)


def _kind(how: Announced, event: events.Changed) -> tuple[str, Json]:
    """What kind of event it is, "" for none, and the attributes as they were at that moment."""
    if event.action in how.silent:
        return "", {}
    if event.action in how.gone:
        return DELETED, {}
    if event.action in how.named:
        return how.named[event.action], {}
    if event.action in how.born:
        return CREATED, {}
    pair = event.changes.get("state") if how.states else None
    if pair:
        old, new = how.states.get(str(pair[0])), how.states.get(str(pair[1]))
        if new is None or old == new:
            return "", {}
        return (CREATED if old is None else how.state_event), {how.attribute: new}
    return (CHANGED if event.changes else ""), {}


def _deliveries(
    how: Announced, event: events.Changed, kind: str, shown: Json, listeners: list[Subscription]
) -> list[Delivery]:  # fmt: skip
    found = resource.api(how.api)
    one = found.resource(how.resource) if found else None
    if found is None or one is None:
        return []
    made = []
    for listener in listeners:
        record = _record(one, event, listener, shown)
        if record is None:
            continue
        body = _body(found, one, kind, event, record)
        if matches(listener.query, body):
            text = rendering.dumps(body)
            made.append(
                Delivery(
                    subscription=listener, event_id=body["eventId"], event_type=body["eventType"],
                    subject=str(record.get("id", ""))[:60], body=text,
                )
            )  # fmt: skip
    return made


def _record(one: Resource, event: events.Changed, listener: Subscription, shown: Json) -> Json | None:
    """The record as this listener may see it."""
    page = Rendering(settings.BASE_URL.rstrip("/"), listener.user, resource.paths())
    row = one.one(one.rows(listener.user).filter(pk=event.subject_id), page)
    if row is None:
        return None
    key = one.key_of(row)
    found = {"id": key, "href": page.href(one.name, key), "@type": one.type, **one.render(row, page), **shown}
    return page.shown(found)


def _body(api: Api, one: Resource, kind: str, event: events.Changed, record: Json) -> Json:
    moment = rendering.moment(dt.datetime.fromisoformat(event.at))
    words = {CREATED: "created", CHANGED: "changed", DELETED: "deleted"}.get(kind, "moved to another state")
    return {
        "eventId": str(uuid.uuid4()), "eventTime": moment, "timeOcurred": moment,
        "eventType": f"{one.type}{kind}", "domain": api.title, "title": f"{one.type} {record.get('id')} {words}",
        "correlationId": f"{one.name}-{record.get('id')}", "priority": "normal",
        "description": event.action.replace("_", " ").capitalize(), "event": {one.name: record},
    }  # fmt: skip


def require_query(query: str) -> None:
    """Raises ApiError unless a query can be read."""
    try:
        reserved, terms = filters.parse(query.lstrip("?"))
    except ApiError as refusal:
        raise invalid("$.query", str(refusal)) from None
    if reserved:
        raise invalid("$.query", f"“{next(iter(reserved))}” is not a condition on events.")
    for term in terms:
        if term.operator == "regex":
            raise invalid("$.query", "Patterns are not looked for in events.")


def matches(query: str, body: Json) -> bool:
    """Whether an event meets a query; each condition on `eventType`, or on a path such as event.productOrder.state."""
    if not query.strip():
        return True
    try:
        _, terms = filters.parse(query.lstrip("?"))
    except ApiError:
        return False
    return all(_meets(term, list(_at(body, term.name.split(".")))) for term in terms)


def _at(value: Any, path: list[str]) -> Iterable[Any]:
    if isinstance(value, list):
        for inner in value:
            yield from _at(inner, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _meets(term: Term, values: list[Any]) -> bool:
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    if term.operator in ("eq", "ne"):
        return any(text in term.values for text in texts) is (term.operator == "eq")
    return any(_compare(term.operator, text, term.values[0]) for text in texts)


def _compare(operator: str, text: str, wanted: str) -> bool:
    left: Any = text
    right: Any = wanted
    with suppress(ValueError):
        left, right = float(text), float(wanted)
    if operator in ("gt", "gte"):
        return bool(left > right or (operator == "gte" and left == right))
    return bool(left < right or (operator == "lte" and left == right))
