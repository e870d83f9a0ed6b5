"""Customers: the list, the account page with its tree, its sites."""

from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from crm import accounts as acts
from crm import queries
from crm.forms import COUNTRIES, AccountForm, LongSelect, refuse
from crm.models import Account, Opportunity, Site
from crm.views import editing_of, lazily, listedits
from crm.views.owning import giving
from kernel import editing, htmx, tables
from kernel.models import User
from kernel.refusal import Refusal
from kernel.workspace import allowed, person

DEALS = 5  # open opportunities shown on the page


class AccountTable(tables.Table):
    """Columns of the list of customers."""

    name = tables.Name(url="crm:account", arg="number", sub=lambda row: row.number, verbose_name="Customer")
    kind = tables.Text(accessor="get_kind_display", order_by=("kind",), sub="parent.name", optional=True)
    tier = tables.Text(accessor="get_tier_display", order_by=("tier",), optional=True)
    industry = tables.Text(optional=True)
    site_count = tables.Number(verbose_name="Sites", orderable=False)
    deal_count = tables.Number(verbose_name="Open deals", orderable=False)
    owner = tables.Avatar(optional=True, order_by=("owner__last_name",))


class AccountFilter(tables.Filters):
    """Filters of the list of customers."""

    kind = tables.Choices(choices=Account.Kind.choices)
    tier = tables.Choices(choices=Account.Tier.choices)
    owner = tables.Records("crm.seller")

    class Meta:
        model = Account
        fields = ["kind", "tier", "owner"]


class Accounts(tables.ListPage):
    """The list of customers."""

    title = "Customers"
    model = Account
    table = AccountTable
    filters = AccountFilter
    search = ("name", "number", "registration")
    search_label = "Name, number, register number"
    sort = "name"
    related = ("parent", "owner")
    empty = tables.Empty(
        "building",
        "No customers yet",
        "A customer is a legal entity with the companies and sites below it, or a person.",
    )
    new = tables.New("New customer", "crm:account_new", "crm.add_account")
    edits = listedits.ACCOUNTS
    acts = (giving(Account, "crm.change_account"),)

    def rows(self) -> QuerySet[Account]:
        return with_counts(super().rows())


def with_counts(rows: Any) -> QuerySet[Account]:
    """Accounts with their own number of sites and open deals."""

    def count(of: QuerySet[Any]) -> Coalesce:
        grouped = of.filter(account=OuterRef("pk")).order_by().values("account").annotate(n=Count("pk"))
        return Coalesce(Subquery(grouped.values("n")), 0)

    found: QuerySet[Account] = rows.annotate(
        site_count=count(Site.objects.all()), deal_count=count(Opportunity.objects.filter(state=Opportunity.State.OPEN))
    )
    return found


@allowed("crm.view_account")
@require_safe
def accounts(request: HttpRequest) -> Any:
    """All customers."""
    return tables.show(request, Accounts, template="crm/account_list.html")


@allowed("crm.add_account")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Open a customer."""
    user = person(request)
    form = AccountForm(request.POST or None, by=user, initial={"owner": user.pk})
    if request.method == "POST" and form.is_valid():
        try:
            made = acts.open_account(by=user, **form.cleaned_data)
        except Refusal as error:
            refuse(form, error)
        else:
            return htmx.go(request, made, toast=f"{made.name} is open.")
    context = {
        "form": form, "title": "New customer", "verb": "Open account", "back": reverse("crm:account_list"),
        "crumbs": [("Customers", reverse("crm:account_list"))],
    }  # fmt: skip
    return htmx.respond(request, "crm/panel_form.html", context, part="panel", status=422 if form.errors else 200)


@allowed("crm.view_account")
@require_safe
def account(request: HttpRequest, number: str) -> HttpResponse:
    """One account with everything below it; the number of a merged one leads to where it went."""
    user = person(request)
    went = Account.objects.filter(number=number).values_list("merged_into__number", flat=True).first()
    if went:
        return htmx.go(request, "crm:account", went, toast=f"{number} was merged into this customer.")
    record = visible(user, number)
    deals = record_deals(record, user)
    tree = queries.tree(record)
    context = {
        "record": record, "title": record.name, "crumbs": crumbs(record), "tree": tree, "top": tree.nodes[0],
        "gaps": acts.gaps(record), "deals": deals[:DEALS], "deal_count": len(deals),
        "contacts": record.contacts.select_related("user"), "profiles": record.billing_profiles.order_by("-is_default"),
        "team": record.team.select_related("user").order_by("role"),
        "panels": lazily(
            record, ("Quotes, agreements and contracts", "contracts:of_account"), ("Orders", "orders:of_account"),
            ("Installed products", "cmdb:of_account"),
            *([("Cases", "crm:cases_of_account")] if user.has_perm("crm.view_case") else []),
        ),
        "may": {name: user.has_perm(f"crm.{name}") for name in MAY},
    }  # fmt: skip
    return htmx.respond(request, "crm/account.html", context)


MAY = (
    "change_account", "add_account", "add_contact", "change_contact", "add_site", "change_site", "add_billingprofile",
    "change_billingprofile", "add_opportunity", "view_opportunity", "add_teammember", "merge_account",
)  # fmt: skip


@allowed("crm.view_account", "crm.change_account")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, number: str) -> HttpResponse:
    """Change an account; a second editor sees what differs."""
    user = person(request)
    record = visible(user, number)
    name, edition = record.name, record.edition
    conflict: editing.Changed | None = None
    form = AccountForm(request.POST or None, by=user, instance=record)
    if request.method == "POST" and form.is_valid():
        try:
            acts.change_account(account_id=record.pk, edition=editing_of(request), by=user, **form.cleaned_data)
        except editing.Changed as error:
            conflict, edition = error, error.edition
        except Refusal as error:
            refuse(form, error)
        else:
            return htmx.go(request, "crm:account", number, toast="The account is saved.")
    back = reverse("crm:account", args=[number])
    context = {
        "form": form, "title": f"Change {name}", "verb": "Save account", "edition": edition, "conflict": conflict,
        "back": back, "crumbs": [("Customers", reverse("crm:account_list")), (name, back)],
    }  # fmt: skip
    status = 409 if conflict else 422 if form.errors else 200
    return htmx.respond(request, "crm/panel_form.html", context, part="panel", status=status)


class SiteTable(tables.Table):
    """Columns of an account's sites."""

    name = tables.Name(url="crm:site", arg="pk", sub="code", verbose_name="Site")
    account = tables.Text(verbose_name="Company", order_by=("account__name",), optional=True)
    street = tables.Text(verbose_name="Address", sub=lambda site: f"{site.postcode} {site.city}")
    country = tables.Text()
    region = tables.Text(accessor="get_region_display", order_by=("region",), optional=True)
    contact = tables.Text(verbose_name="On site", orderable=False, sub="contact.phone", optional=True)


class SiteFilter(tables.Filters):
    """Filters of an account's sites."""

    country = tables.Choices(choices=COUNTRIES, widget=LongSelect)
    region = tables.Choices(choices=Site.Region.choices)

    class Meta:
        model = Site
        fields = ["country", "region"]


class OfTree(tables.ListPage):
    """What an account and all below it have."""

    def rows(self) -> QuerySet[Any]:
        found: QuerySet[Any] = super().rows().filter(account__path__startswith=self.scope["account"].path)
        return found


def of_tree(request: HttpRequest, number: str, declared: type[OfTree], template: str) -> Any:
    """Such a list on its page."""
    record = visible(person(request), number)
    context = {"record": record, "crumbs": [*crumbs(record), (record.name, record.get_absolute_url())]}
    return tables.show(request, declared, template=template, context=context, account=record)


class Sites(OfTree):
    """Every site of an account and of what is below it."""

    title = "Sites"
    model = Site
    table = SiteTable
    filters = SiteFilter
    search = ("name", "code", "city", "street")
    search_label = "Name, code, city, street"
    sort = "name"
    related = ("account", "contact")
    edits = listedits.SITES
    empty = tables.Empty(
        "map-pin", "No sites yet", "Products are delivered to sites. Add one on the account’s page, or import a file."
    )


@allowed("crm.view_account", "crm.view_site")
@require_safe
def sites(request: HttpRequest, number: str) -> Any:
    """The sites of an account's tree."""
    return of_tree(request, number, Sites, "crm/site_list.html")


def visible(user: User, number: str) -> Account:
    """The account of that number if this person may see it, else 404."""
    found: Account = get_object_or_404(
        Account.objects.visible_to(user).select_related("parent", "root", "owner"), number=number
    )
    return found


def crumbs(record: Account) -> list[tuple[str, str]]:
    """The way from the list through the accounts above."""
    above = [int(key) for key in record.path.split("/") if key and int(key) != record.pk]
    found = {member.pk: member for member in Account.objects.filter(pk__in=above)} if above else {}
    way = [(found[key].name, found[key].get_absolute_url()) for key in above if key in found]
    return [("Customers", reverse("crm:account_list")), *way]


def record_deals(record: Account, user: User) -> list[Opportunity]:
    """Open opportunities of an account and below, soonest first, for whoever may see them."""
    if not user.has_perm("crm.view_opportunity"):
        return []
    rows = Opportunity.objects.visible_to(user).filter(account__path__startswith=record.path, state="open")
    return list(rows.select_related("stage", "account", "owner").order_by("close_on")[:100])
