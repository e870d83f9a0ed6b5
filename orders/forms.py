"""Forms of orders: they read what was typed; whether it may be so is said by the acts."""

import datetime as dt
from typing import Any

from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from cmdb.models import Product
from crm.models import BillingProfile, Contact
from fulfillment.models import Action
from kernel import writing
from kernel.models import User
from kernel.picking import RecordField, offer
from orders import editing, prioritising, servicing
from orders.models import Order, PromiseChange
from orders.tree import WALKED


class Day(forms.DateInput):
    """A date as the browser picks it."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def _none_yet(order: Order, by: User) -> str:
    """That nobody said how the customer pays, with the panel in which that is said for who may."""
    if not by.has_perm("crm.add_billingprofile"):
        return "There is none yet. A seller adds it to the customer."
    url = f"{reverse('crm:account_add_billing_profile', args=[order.account.number])}?back={order.get_absolute_url()}"
    words = (_("There is none yet."), url, url, _("Add a billing profile"))
    return format_html('{} <a href="{}" hx-get="{}" hx-target="#sheet">{}</a>', *words)


class OrderCellsForm(forms.Form):
    """What may change on an order in its list."""

    manager = RecordField("orders.manager", label="Manager", required=False, empty_label="Nobody yet")
    their_reference = forms.CharField(label="Their reference", max_length=60, required=False)
    requested_on = forms.DateField(label="Requested", required=False, widget=Day)


class ManagerForm(forms.Form):
    """Who is to look after what was ticked."""

    to = RecordField(
        "orders.manager", label="Manager", empty_label="Choose an order manager",
        error_messages={"required": "Choose who gets them.", "invalid_choice": "Choose an order manager."},
    )  # fmt: skip


class OrderForm(forms.Form):
    """What may change on an order without selling anything anew."""

    title = forms.CharField(max_length=120)
    their_reference = forms.CharField(label="Their reference", max_length=60, required=False)
    contact = RecordField("crm.contact", required=False, empty_label="Choose a person")
    billing_profile = RecordField(
        "crm.profile", label="Billing profile", required=False, empty_label="Choose how they pay",
        help_text="Where the invoices go and when they are due.",
    )  # fmt: skip
    requested_on = forms.DateField(
        label="Requested date", required=False, widget=Day, help_text="Empty means as soon as it can be done."
    )
    manager = RecordField(
        "orders.manager", label="Order manager", required=False, empty_label="Nobody yet",
        help_text="Who is told when the promise is in danger.",
    )  # fmt: skip

    def __init__(self, *args: Any, order: Order, by: User, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {name: getattr(order, name) for name in self.base_fields})
        super().__init__(*args, **kwargs)
        offer(self, "contact", by, root=order.account.root_id)
        offer(self, "billing_profile", by, root=order.account.root_id)
        offer(self, "manager", by, also=order.manager_id)
        if not BillingProfile.objects.filter(account__root=order.account.root_id).exists():
            self.fields["billing_profile"].help_text = _none_yet(order, by)
        for name in list(self.fields):
            if not editing.may_edit(order, name):
                del self.fields[name]

    def changes(self) -> dict[str, Any]:
        """Values for `editing.edit`."""
        return {k: v.pk if isinstance(v, Contact | BillingProfile | User) else v for k, v in self.cleaned_data.items()}


class NewOrderForm(forms.Form):
    """An order by an agent's hand."""

    account = RecordField("crm.account", label="Customer", empty_label="Choose a customer")
    title = forms.CharField(
        max_length=120, widget=forms.TextInput(attrs={"placeholder": "Such as: third line at Rotterdam"})
    )
    requested_on = forms.DateField(label="Requested date", required=False, widget=Day)
    reference = forms.CharField(label="Their reference", max_length=60, required=False)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "account", user)


class LineForm(forms.Form):
    """One more product on a draft."""

    offering = RecordField("catalog.for_sale", label="Product", empty_label="Choose a product")
    site = RecordField("crm.site", required=False, empty_label="No site")
    quantity = forms.IntegerField(min_value=1, max_value=10_000, initial=1)

    def __init__(self, *args: Any, order: Order, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "add_%s"} | kwargs)
        offer(self, "offering", by, specified=True)
        offer(self, "site", by, below=order.account.path)


class ServiceForm(forms.Form):
    """When an installed product is changed, moved, suspended, resumed or disconnected; a move asks where to."""

    site = RecordField("crm.site", label="New site", empty_label="Choose a site",
                       error_messages={"required": "Choose the site that it moves to."})  # fmt: skip
    on = forms.DateField(label="On", required=False, widget=Day)
    note = forms.CharField(label="Note", required=False, max_length=400, widget=forms.Textarea(attrs={"rows": 2}),
                           help_text="Colleagues read it on the order.")  # fmt: skip

    def __init__(self, *args: Any, product: Product, action: str, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if action == Action.MOVE:
            offer(self, "site", by, below=f"/{product.account.root_id}/")
        else:
            del self.fields["site"]
        self.fields["on"].help_text = (
            "Nothing is done before that day. Empty means as soon as it can be done."
            if action in WALKED
            else "Wanted by that day. Empty means as soon as it can be done."
        )


class ServiceLineForm(forms.Form):
    """One more product that a draft by hand changes."""

    product = RecordField("cmdb.installed", empty_label="Choose a product",
                          error_messages={"required": "Choose a product."})  # fmt: skip
    action = forms.ChoiceField(label="What to do", choices=[(str(key), word) for key, word in servicing.WORDS.items()])
    site = RecordField("crm.site", label="New site", required=False, empty_label="Only for a move")

    def __init__(self, *args: Any, order: Order, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "serve_%s"} | kwargs)
        offer(self, "product", by, below=order.account.path)
        offer(self, "site", by, below=order.account.path)

    @classmethod
    def offered(cls, order: Order, by: User) -> "ServiceLineForm | None":
        """The form, None for a customer who has nothing yet."""
        made = cls(order=order, by=by)
        field: Any = made.fields["product"]
        return made if field.rows.exists() else None


def typed_lines(data: QueryDict, keys: set[int]) -> tuple[dict[int, dict[str, Any]], dict[str, list[str]]]:
    """Fields of lines named line-<key>-<field>: values by line, and problems by field."""
    found: dict[int, dict[str, Any]] = {}
    problems: dict[str, list[str]] = {}
    for name in data:
        head, _, rest = name.partition("-")
        pk, _, field = rest.partition("-")
        if head != "line" or writing.whole(pk) not in keys:
            continue
        value: Any = str(data[name]).replace("\x00", "").strip()[:300]
        if field == "requested_on":
            value = _day(value)
            if value is False:
                problems[name] = ["Enter a date such as 2027-03-31."]
                continue
        if field == "contact" and value and not writing.whole(value):
            problems[name] = ["Choose one of the people offered."]
            continue
        found.setdefault(writing.whole(pk), {})[field] = value
    return found, problems


def _day(text: str) -> Any:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return False


class PromiseForm(forms.Form):
    """Another promised date, with the reason that the customer reads."""

    day = forms.DateField(label="New date", widget=Day(), error_messages={"required": "Choose the new day."})
    code = forms.ChoiceField(label="Why", choices=[("", "Choose"), *PromiseChange.Code.choices],
                             help_text="The customer reads this sentence.",
                             error_messages={"required": "Choose why; the customer is told."})  # fmt: skip
    words = forms.CharField(label="More about it", required=False, max_length=200, widget=forms.Textarea({"rows": 2}),
                            help_text="Plain words; the customer reads them too.")  # fmt: skip


class PriorityForm(forms.Form):
    """How urgent the order, one line or one piece of work is."""

    scope = forms.ChoiceField(label="What")
    rank = forms.ChoiceField(label="How urgent", choices=[(key, label) for key, label, _ in prioritising.RANKS])
    reason = forms.CharField(
        label="Why", max_length=200, help_text="Whoever waits longer for it can read it.",
        error_messages={"required": "Say why; whoever waits longer for it reads this."},
    )  # fmt: skip

    def __init__(self, *args: Any, scopes: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scope"].choices = scopes  # type: ignore[attr-defined]


class TaskDateForm(forms.Form):
    """When a task will be done, and who says so."""

    day = forms.DateField(label="Done on", widget=Day(), error_messages={"required": "Choose a day."})
    reason = forms.CharField(
        label="Who or what says so", max_length=200, error_messages={"required": "Say who or what says so."}
    )


class ReopenForm(forms.Form):
    """What the customer wants otherwise."""

    reason = forms.CharField(
        label="What the customer wants otherwise", max_length=400, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say what the customer wants otherwise; it stands in the quote."},
    )  # fmt: skip


class PauseForm(forms.Form):
    """Why a part of an order is held, and how much of it."""

    reason = forms.CharField(
        label="Why", max_length=400, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why; whoever waits for it reads this."},
    )  # fmt: skip
    below = forms.BooleanField(
        label="Everything below it as well", required=False, initial=True,
        help_text="Otherwise only its own tasks are held.",
    )  # fmt: skip
