"""Template tags of the design language: icons, states, money, days, meters, people."""

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import conditional_escape, escape, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kernel import approvals, commenting, icons, lifecycle, paperwork, reading, records, states, writing
from kernel.markup import put
from kernel.money import SYMBOLS, digits
from kernel.saying import said

register = template.Library()
NBSP = "\u00a0"
NEAR = 13  # days within which a date is told as a distance


@register.simple_tag
def icon(name: str, cls: str = "", label: str = "") -> SafeString:
    """An icon, hidden from screen readers unless it has a label."""
    return _icon(name, cls, str(label))


@lru_cache(maxsize=2048)
def _icon(name: str, cls: str, label: str) -> SafeString:
    told = put('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    if name in icons.names():
        return put('<svg class="i {}" {}><use href="{}#{}"/></svg>', cls, told, icons.address(), name)
    return put('<svg class="i {}" viewBox="0 0 24 24" {}>{}</svg>', cls, told, mark_safe(icons.drawing(name)))  # noqa: S308


def state_html(name: str, record: Any = None, *, filled: bool = False, word: str = "") -> SafeString:
    """A state as icon and word; filled for the page title and for rows that need a person."""
    return _state(states.look(name, record), filled, word, reading.language())


@lru_cache(maxsize=2048)
def _state(look: states.Look, filled: bool, word: str, language: str | None) -> SafeString:
    word = said(word or look.word)
    if filled:
        return put('<span class="pill pill-{}">{}{}</span>', look.tone, icon(look.icon), word)
    bad = "c-bad" if look.tone == "bad" else ""
    return put('<span class="state {}">{}{}</span>', bad, icon(look.icon, f"c-{look.tone}"), word)


@register.filter(name="state")
def state_filter(value: str) -> SafeString:
    """`{{ task.state|state }}`: icon and word of a state name."""
    return state_html(value)


@register.simple_tag
def state(record: Any, field: str = "state") -> SafeString:
    """`{% state order %}`: the record's state, worded as its model words it."""
    return state_html(getattr(record, field), record)


@register.simple_tag
def pill(value: Any, word: str = "") -> SafeString:
    """`{% pill order %}` or `{% pill "draft" %}`: the state on a soft ground, for what needs eyes now."""
    if hasattr(value, "_meta"):
        return state_html(value.state, value, filled=True, word=word)
    return state_html(str(value), filled=True, word=word)


def number_text(value: Any, digits: int | None = None) -> str:
    """A number as the reader's locale writes it, with a true minus."""
    if value is None or value == "":
        return "–"
    if digits is not None and isinstance(value, Decimal | float):
        value = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)  # Django would cut it off
    return writing.number(value, digits).replace("-", "−")


CENTS_BELOW = 1000  # an amount without its cents would be another one


def money_text(amount: Any, currency: str = "EUR", *, whole: bool = False) -> str:
    """An amount with its currency's symbol, such as € 12,478.00; `whole` leaves out cents where they say nothing."""
    if amount is None or amount == "":
        return "–"
    amount = Decimal(str(amount))
    text = number_text(amount, 0 if whole and (abs(amount) >= CENTS_BELOW or not amount % 1) else digits(currency))
    sign, text = ("−", text[1:]) if text.startswith("−") else ("", text)
    symbol = SYMBOLS.get(currency, currency)
    behind = writing.german() or currency in ("PLN", "SEK", "CZK")
    return f"{sign}{text}{NBSP}{symbol}" if behind else f"{sign}{symbol}{NBSP}{text}"


@register.simple_tag
def money(amount: Any, currency: str = "EUR", whole: bool = False) -> SafeString:
    """`{% money order.total order.currency %}`; `whole=True` leaves out the cents."""
    return put('<span class="num nowrap">{}</span>', money_text(amount, currency or "EUR", whole=whole))


@register.simple_tag
def number(value: Any, places: int | str | None = None) -> SafeString:
    """`{% number count %}`, tabular; `{% number amount "JPY" %}` has the digits of the currency."""
    places = digits(places) if isinstance(places, str) else places
    return put('<span class="num">{}</span>', number_text(value, places))


def _as_day(value: dt.date | dt.datetime) -> dt.date:
    return timezone.localtime(value, reading.present().zone).date() if isinstance(value, dt.datetime) else value


def short_day(value: dt.date | dt.datetime, today: dt.date | None = None) -> str:
    """4 Dec, with the year when it is another one."""
    day = _as_day(value)
    today = today or reading.present().today
    return written(day, "j M" if day.year == today.year else "j M Y")


def written(day: dt.date, form: str) -> str:
    """A date in the reader's language; a list says the same few dates again and again."""
    return _written(day, form, reading.language())


@lru_cache(maxsize=4096)
def _written(day: dt.date, form: str, language: str | None) -> str:
    return writing.day(day, form)


def distance(value: dt.date | dt.datetime, today: dt.date | None = None) -> str:
    """today, tomorrow, in 3 days, 2 days ago; a date when it is further away."""
    day, today = _as_day(value), today or reading.present().today
    days = (day - today).days
    if days == 0:
        return _("today")
    if days == 1:
        return _("tomorrow")
    if days == -1:
        return _("yesterday")
    if 0 < days <= NEAR:
        return ngettext("in %(n)s day", "in %(n)s days", days) % {"n": days}
    if -NEAR <= days < 0:
        return ngettext("%(n)s day ago", "%(n)s days ago", -days) % {"n": -days}
    return short_day(day, today)


@register.simple_tag
def day(value: dt.date | dt.datetime | None, form: str = "near") -> SafeString | str:
    """`{% day order.requested_date %}`: in 3 days, exact on hover. Forms: near, short, long, spoken, both."""
    if not value:
        return "–"
    reader = reading.present()
    return _day(_as_day(value), form, reader.today, reader.language)


@lru_cache(maxsize=4096)
def _day(exact: dt.date, form: str, today: dt.date, language: str | None) -> SafeString:
    """As drawn on one day in one language; a list has the same few again and again."""
    full = written(exact, "l j F Y")
    near = distance(exact, today)
    if form == "both":
        count = (exact - today).days
        apart = (
            near
            if abs(count) <= NEAR
            else (_("in %(n)s days") if count > 0 else _("%(n)s days ago")) % {"n": abs(count)}
        )
        return put(
            '<time datetime="{0}" title="{1}">{2}</time> <span class="soft">{3}</span>',
            exact.isoformat(), full, written(exact, "D j M Y"), apart,
        )  # fmt: skip
    spoken = written(exact, "l j F" if exact.year == today.year else "l j F Y")
    text = {"short": short_day(exact, today), "long": written(exact, "D j M Y"), "spoken": spoken}.get(form, near)
    return put('<time class="nowrap" datetime="{}" title="{}">{}</time>', exact.isoformat(), full, text)


@register.simple_tag
def due(value: dt.date | dt.datetime | None, done: bool = False) -> SafeString | str:
    """A due date that turns amber today and red once it is over; `done` keeps it quiet."""
    if not value:
        return "–"
    exact, reader = _as_day(value), reading.present()
    if done or exact > reader.today:
        return _day(exact, "near", reader.today, reader.language)
    return _over(exact, reader.today, reader.language)


@lru_cache(maxsize=4096)
def _over(exact: dt.date, today: dt.date, language: str | None) -> SafeString:
    """A day that has come, as drawn on one day in one language."""
    days = (exact - today).days
    if days == 0:
        tone, name, text = "c-risk", "alert-triangle", _("today")
    else:
        tone, name = "c-bad", "alert-circle"
        text = ngettext("%(n)s day over", "%(n)s days over", -days) % {"n": -days}
    full = written(exact, "l j F Y")
    return put(
        '<time class="due nowrap strong {}" datetime="{}" title="{}">{} {}</time>',
        tone, exact.isoformat(), full, icon(name, "i-sm"), text,
    )  # fmt: skip


def ago(value: dt.datetime, now: dt.datetime | None = None) -> str:
    """40 min ago, yesterday 09:14, Fri 13 Nov 17:03."""
    now = now or timezone.now()
    local, here = timezone.localtime(value), timezone.localtime(now)
    seconds = (now - value).total_seconds()
    clock = formats.date_format(local, "H:i")
    if 0 <= seconds < 60:
        return _("just now")
    if 0 <= seconds < 3600:
        return _("%(n)s min ago") % {"n": int(seconds // 60)}
    days = (local.date() - here.date()).days
    named = {0: _("today"), -1: _("yesterday"), 1: _("tomorrow")}.get(days)
    if named:
        return f"{named} {clock}"
    return f"{writing.day(local, 'D')} {short_day(local, here.date())} {clock}"


@register.simple_tag
def when(value: dt.datetime | None) -> SafeString | str:
    """A moment told as people tell it, exact with its zone on hover."""
    if not value:
        return "–"
    local = timezone.localtime(value)
    exact = f"{writing.day(local, 'l j F Y H:i:s')} {local.tzname()}"
    return put('<time class="nowrap" datetime="{}" title="{}">{}</time>', value.isoformat(), exact, ago(value))


def share(done: Any, total: Any) -> int:
    """Whole percent from 0 to 100; never 100 before everything is done."""
    if not total:
        return 0
    percent = int(Decimal(str(done)) * 100 / Decimal(str(total)))
    return max(0, min(100, percent))


@register.simple_tag
def meter(done: Any, total: Any, cls: str = "") -> SafeString:
    """`{% meter 214 312 %}`: a bar with its figures; `wide` for the bar alone under a figure."""
    bar = put('<i class="p-{}" aria-hidden="true"></i>', share(done, total))
    if cls == "wide":
        return put('<span class="meter wide" aria-hidden="true">{}</span>', bar)
    return put(
        '<span class="meter {}">{}<b>{}<span class="of">/{}</span></b></span>',
        cls,
        bar,
        number_text(done),
        number_text(total),
    )


@register.simple_tag
def avatar(user: Any, cls: str = "") -> SafeString:
    """A person's initials in a circle; a cog for the system."""
    if user is None:
        return put(
            '<span class="avatar sys {}" title="{}">{}</span>',
            cls,
            _("The system"),
            icon("settings-automation", "i-sm"),
        )
    return put('<span class="avatar {}" title="{}">{}</span>', cls, str(user), user.initials)


@register.filter
def value_of(record: Any, name: str) -> Any:
    """An attribute by name, for the generic components."""
    return getattr(record, name, "")


@register.filter
def fact(facts: dict[str, Any], name: str) -> str:
    """A fact as a person types it, by its name, dotted for one inside another."""
    from kernel import cells, tabletrial

    return cells.plain(tabletrial.reach(facts, name))


@register.simple_tag(takes_context=True)
def with_query(context: dict[str, Any], **changes: Any) -> str:
    """The present query string with some parameters replaced; an empty value drops one. Paging starts anew."""
    query = context["request"].GET.copy()
    for name in ("after", "before"):
        query.pop(name, None)
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = value
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def only_query(context: dict[str, Any], *names: str) -> str:
    """The present query string with these parameters alone, empty when there are none."""
    query = context["request"].GET.copy()
    for name in set(query) - set(names):
        del query[name]
    return f"?{query.urlencode()}" if query else ""


@register.simple_tag(takes_context=True)
def query_fields(context: dict[str, Any], *names: str) -> SafeString:
    """These parameters of the present address as hidden fields; all but a list's place and columns for no name."""
    query = context["request"].GET
    wanted = [name for name in names if name] or [name for name in query if name not in ("after", "before", "columns")]
    pairs = ((name, value) for name in wanted for value in query.getlist(name))
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', pairs)


@register.simple_tag
def highlight(text: str, wanted: str) -> SafeString:
    """The text with the found part marked, for search results."""
    at = text.lower().find(wanted.lower()) if wanted else -1
    if at < 0:
        return conditional_escape(text)
    end = at + len(wanted)
    return put("{}<mark>{}</mark>{}", text[:at], text[at:end], text[end:])


@register.simple_tag(takes_context=True)
def back_url(context: dict[str, Any]) -> str:
    """The page that the reader came from if it is one of ours, else the home page."""
    request = context.get("request")
    came_from = request.META.get("HTTP_REFERER", "") if request else ""
    if request and url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure()):
        return str(came_from)
    return "/"


@register.inclusion_tag("components/state_bar.html", takes_context=True)
def state_bar(context: dict[str, Any], record: Any, field: str = "state", move_url: str = "") -> dict[str, Any]:
    """`{% state_bar order %}`: the lifecycle and the moves that this person may make, refusals with their reason."""
    user = context["request"].user
    moves = paperwork.barred(record, lifecycle.moves(record, user, field))
    reasons: dict[str, list[str]] = {}
    for move in moves:
        if move.why_not:
            reasons.setdefault(move.why_not, []).append(move.label)
    why = [f"{', '.join(map(said, labels))}: {said(reason)}" for reason, labels in reasons.items()]
    url = move_url or reverse("move", args=[record._meta.label_lower, record.pk])
    return {
        "stages": records.stages(record, field), "moves": moves, "why": why, "move_url": url,
        "record": record, "request": context["request"], "csrf_token": context.get("csrf_token"),
    }  # fmt: skip


@register.simple_tag
def record_url(name: str, record: Any) -> str:
    """`{% record_url "activity" order %}`: a kernel page about a record; names are activity, documents, move."""
    return reverse(name, args=[record._meta.label_lower, record.pk])


@register.inclusion_tag("components/approval_panel.html", takes_context=True)
def approval_panel(context: dict[str, Any], record: Any, title: str = "Approval") -> dict[str, Any]:
    """`{% approval_panel quote %}`: the latest round of approval; whoever may decide a step does it here."""
    made = approvals.current(record)
    user = context["request"].user
    mine = set(approvals.waiting_for(user).filter(request=made).values_list("pk", flat=True)) if made else set()
    return {
        "made": made,
        "mine": mine,
        "title": title,
        "request": context["request"],
        "csrf_token": context.get("csrf_token"),
    }


@register.filter
def mentions(text: str) -> SafeString:
    """A comment with the names behind an @ made bold."""
    return SafeString(commenting.NAMED.sub(r'<b class="mention">@\1</b>', escape(text)))
