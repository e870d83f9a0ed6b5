"""The catalogue at the customer's own prices, the basket, and what is checked before it is handed in."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog import configuration
from catalog.models import Offering
from contracts import quotecontent, quoting, requesting
from contracts.models import QuoteLine
from crm.models import Site
from kernel import htmx, writing
from kernel.refusal import Refusal
from kernel.workspace import person
from portal.views import customers_only

MOST = 100_000  # pieces of one line


@customers_only
@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Everything that can be had, by category."""
    groups: dict[str, list[requesting.Offer]] = {}
    for one in requesting.offers(person(request)):
        groups.setdefault(one.offering.category.name, []).append(one)
    return htmx.respond(request, "portal/catalogue.html", {"groups": groups})


def _offering(key: str) -> Offering:
    found = requesting.for_sale().filter(key=key).first()
    if found is None:
        raise Http404("This is not for sale.")
    return quoting.sellable(found.pk)


def _number(text: str) -> int:
    """A whole number from 1 to MOST as people type it; 0 for anything else."""
    found = writing.whole("".join(text.split()))
    return found if found <= MOST else 0


@customers_only
@require_http_methods(["GET", "HEAD", "POST"])
def offering(request: HttpRequest, key: str) -> HttpResponse:
    """One offering: what is chosen, where, what it costs; a POST puts it into the basket, or says the price anew."""
    user, found = person(request), _offering(key)
    specification, post = found.specification, request.POST
    values = configuration.defaults(specification) if specification else {}
    problems: dict[str, list[str]] = {}
    if specification and request.method == "POST":
        values, problems = configuration.clean(specification, configuration.posted(specification, post))
    typed, chosen = post.get("quantity", "1"), [pk for one in post.getlist("site") if (pk := writing.whole(one))]
    quantity = _number(typed)
    if not quantity:
        problems = problems | {"quantity": [f"Give a whole number from 1 to {MOST:,}."]}
    sites = list(Site.objects.visible_to(user).select_related("account").order_by("name", "pk")[: requesting.MOST])
    context: dict[str, Any] = {
        "offering": found, "quantity": typed, "chosen": chosen, "sites": sites,
        "crumbs": [(_("Catalogue"), reverse("portal:catalogue"))],
    }  # fmt: skip
    if request.method == "POST" and "price" not in post and "quantity" not in problems:
        try:
            made, refused = requesting.put(
                user=user, offering_id=found.pk, site_ids=chosen, values=values, quantity=quantity
            )
        except Refusal as error:
            if error.status != 422:
                raise
            problems = error.problems
        else:
            return _put(request, context, found, made, refused)
    shown = problems if "price" not in post else {}
    fields = configuration.form_fields(specification, values, shown) if specification else []
    known = {"quantity", *(field.key for field in fields)}
    context["whole"] = [text for name, texts in shown.items() if name not in known for text in texts]
    sound = {key: value for key, value in values.items() if key not in problems}  # what nobody can mean has no price
    context |= {"fields": fields, "amount": shown.get("quantity", [])}
    context["offer"] = requesting.offer(user, found, sound, quantity=quantity)
    status = 422 if shown else 200
    return htmx.respond(request, "portal/offering.html", context, part="choice", status=status)


def _put(
    request: HttpRequest, context: dict[str, Any], found: Offering, made: list[Any], refused: list[Any]
) -> HttpResponse:
    """On to the basket, or the sites that cannot have it with the reason of each."""
    if refused and not made:
        context |= {"whole": [f"{one.site}: {one.reason}" for one in refused], "fields": [], "offer": None}
        specification = found.specification
        if specification:
            values, _problems = configuration.clean(specification, configuration.posted(specification, request.POST))
            context["fields"] = configuration.form_fields(specification, values)
        context["offer"] = requesting.offer(person(request), found)
        return htmx.respond(request, "portal/offering.html", context, part="choice", status=422)
    said = _("%(name)s is in your basket.") % {"name": found.name}
    if refused:
        said += " " + " ".join(f"{one.site}: {one.reason}" for one in refused[:3])
    return htmx.go(request, "portal:cart", toast=said)


@customers_only
@require_http_methods(["GET", "HEAD", "POST"])
def cart(request: HttpRequest) -> HttpResponse:
    """What is in the basket and what it costs; a POST hands it in."""
    user = person(request)
    status, problem = 200, ""
    if request.method == "POST":
        try:
            done = requesting.hand_in(user=user, note=request.POST.get("note", "").replace("\x00", ""))
        except Refusal as error:
            if error.status != 422:
                raise
            status, problem = 422, str(error)
        else:
            said = _("It is ready to be signed.") if done.ready else _("We have your request and come back to you.")
            return htmx.go(request, "portal:quote_list", toast=said)
    quote = requesting.basket(user)
    rows = requesting.lines(quote) if quote else []
    context = {
        "quote": quote, "lines": [(row, _said(row)) for row in rows], "terms": requesting.TERMS, "problem": problem,
        "note": request.POST.get("note", ""),
        "may_sign": bool(quote and quote.account.contacts.filter(user=user, role="signatory").exists()),
    }  # fmt: skip
    return htmx.respond(request, "portal/cart.html", context, status=status)


def _said(line: QuoteLine) -> str:
    """What was chosen, in the customer's words."""
    specification = line.offering.specification
    known = specification.characteristics.all() if specification else []
    return quotecontent.details(line.characteristics, [one for one in known if one.source == "customer"])


@customers_only
@require_POST
def take_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a line out of the basket."""
    try:
        requesting.take_out(user=person(request), line_id=pk)
    except QuoteLine.DoesNotExist:
        raise Http404("There is no such line in your basket.") from None
    return htmx.go(request, "portal:cart", toast=_("It is out of your basket."))


@customers_only
@require_POST
def term(request: HttpRequest) -> HttpResponse:
    """For how long; prices follow."""
    requesting.set_term(user=person(request), months=_number(request.POST.get("term", "")))
    return htmx.go(request, "portal:cart")
