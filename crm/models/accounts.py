"""Accounts: legal entities, their children and sites, the people there, how they pay (TMF629, TMF632)."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from guardian.shortcuts import get_objects_for_user

from kernel import words
from kernel.models import Numbered, Record, RecordQuerySet

if TYPE_CHECKING:
    from kernel.models import User


class AccountQuerySet(RecordQuerySet["Account"]):
    """Accounts by who may see them and where they stand in a tree."""

    def visible_to(self, user: "User") -> "AccountQuerySet":
        """All accounts for agents; for customers and partners the trees that they were granted. Never merged ones."""
        if user.has_perm("crm.view_account"):
            return self.filter(merged_into=None)
        granted = get_objects_for_user(user, "crm.access_account", Account, use_groups=True, accept_global_perms=False)
        return self.filter(merged_into=None, root__in=granted.values("root"), path__regex=_tree_pattern(granted))

    def under(self, account: "Account") -> "AccountQuerySet":
        """The account and everything below it."""
        return self.filter(path__startswith=account.path)


def _tree_pattern(granted: Any) -> str:
    paths = list(granted.values_list("path", flat=True))
    return f"^({'|'.join(paths)})" if paths else "^$"


class Account(Numbered):
    """A party that buys: a legal entity, a child company of it, a consumer or a partner.

    `path` is the chain of keys from the legal entity, such as /3/17/; `root` is the legal entity itself.
    """

    PREFIX = "ACC"

    class Kind(models.TextChoices):
        LEGAL_ENTITY = "legal_entity", "Legal entity"
        CHILD = "child", "Child account"
        CONSUMER = "consumer", "Consumer"
        PARTNER = "partner", "Partner"

    class Tier(models.TextChoices):
        STANDARD = "standard"
        SILVER = "silver"
        GOLD = "gold"
        PLATINUM = "platinum"

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=14, choices=Kind, default=Kind.LEGAL_ENTITY)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    root = models.ForeignKey("self", null=True, editable=False, on_delete=models.PROTECT, related_name="+")
    path = models.CharField(max_length=200, editable=False, db_index=True)
    registration = models.CharField(max_length=40, blank=True, help_text="Trade register number.")
    vat_number = models.CharField(max_length=30, blank=True)
    segment = models.CharField(max_length=30, default="business")
    tier = models.CharField(max_length=10, choices=Tier, default=Tier.STANDARD)
    industry = models.CharField(max_length=60, blank=True)
    currency = models.CharField(max_length=3, default="EUR")
    credit_limit = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    overdue_amount = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    merged_into = models.ForeignKey("self", null=True, editable=False, on_delete=models.PROTECT, related_name="+")
    apart_from = models.ManyToManyField("self", symmetrical=False, editable=False, related_name="+")
    id: int
    merged_into_id: int | None
    parent_id: int | None
    root_id: int | None

    objects: ClassVar[Any] = AccountQuerySet.as_manager()

    class Meta:
        permissions = [
            ("access_account", "Can see this account and what is below it"),
            ("set_credit", "Can set credit limits"),
            ("merge_account", "Can merge accounts"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="child", parent__isnull=False) | ~models.Q(kind="child"),
                name="child_has_parent",
                violation_error_message="An account below another one needs that one.",
            ),
            models.UniqueConstraint(
                fields=["registration"],
                condition=~models.Q(registration="") & models.Q(parent__isnull=True),
                name="registration_once",
            ),
        ]
        indexes = [
            models.Index(models.functions.Lower("name"), name="account_name_lower"),
            models.Index(fields=["name", "id"], condition=models.Q(merged_into=None), name="account_in_order"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("crm:account", args=[self.number])


class OfAccountQuerySet(RecordQuerySet[Any]):
    """Rows that belong to an account: whoever sees the account sees them."""

    account_field = "account"

    def visible_to(self, user: "User") -> Any:
        """All rows with the app-wide view permission, else those of visible accounts; customers never need a grant."""
        label = self.model._meta
        if user.has_perm(f"{label.app_label}.view_{label.model_name}") and user.has_perm("crm.view_account"):
            return self.all()
        if "customer" not in user.roles:
            return self.none()
        return self.filter(**{f"{self.account_field}__in": Account.objects.visible_to(user).values("pk")})


class Site(Record):
    """A geographic site of an account with its address (TMF674, TMF673)."""

    class Region(models.TextChoices):
        METRO = "metro", "Metro"
        REGIONAL = "regional", "Regional"
        REMOTE = "remote", "Remote"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="sites")
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    street = models.CharField(max_length=120)
    postcode = models.CharField(max_length=12)
    city = models.CharField(max_length=60)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2.")
    latitude = models.DecimalField(max_digits=8, decimal_places=5, null=True, blank=True)
    longitude = models.DecimalField(max_digits=8, decimal_places=5, null=True, blank=True)
    region = models.CharField(max_length=10, choices=Region, default=Region.METRO)
    contact = models.ForeignKey("Contact", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    access_notes = models.CharField(max_length=300, blank=True)
    id: int
    account_id: int

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        ordering = ["country", "code"]
        constraints = [models.UniqueConstraint(fields=["account", "code"], name="site_code_once")]
        indexes = [words.index("site_words", "name", "code", "city", "street")]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    @property
    def address(self) -> str:
        """One line."""
        return f"{self.street}, {self.postcode} {self.city}, {self.country}"


class Contact(Record):
    """A person at an account; `user` lets them into the portal."""

    class Role(models.TextChoices):
        SIGNATORY = "signatory", "Signatory"
        BUYER = "buyer", "Buyer"
        TECHNICAL = "technical", "Technical"
        BILLING = "billing", "Billing"
        SITE = "site", "On site"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="contacts")
    first_name = models.CharField(max_length=60)
    last_name = models.CharField(max_length=60)
    email = models.EmailField()
    phone = models.CharField(max_length=30, blank=True)
    job_title = models.CharField(max_length=80, blank=True)
    role = models.CharField(max_length=12, choices=Role, default=Role.BUYER)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="contact"
    )

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        ordering = ["last_name", "first_name"]
        constraints = [models.UniqueConstraint(fields=["account", "email", "role"], name="contact_role_once")]
        indexes = [words.index("contact_words", "first_name", "last_name", "email")]

    def __str__(self) -> str:
        return self.person

    @property
    def person(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


class BillingProfile(Record):
    """How an account pays: where the invoice goes and when it is due (TMF666 billing account)."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="billing_profiles")
    name = models.CharField(max_length=80, default="Main")
    invoice_email = models.EmailField()
    street = models.CharField(max_length=120)
    postcode = models.CharField(max_length=12)
    city = models.CharField(max_length=60)
    country = models.CharField(max_length=2)
    currency = models.CharField(max_length=3, default="EUR")
    payment_days = models.PositiveIntegerField(default=30)
    purchase_order = models.CharField(max_length=40, blank=True, help_text="The customer's own reference.")
    is_default = models.BooleanField(default=True)

    objects: ClassVar[Any] = OfAccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(is_default=True), name="one_default_billing_profile"
            )
        ]


class TeamMember(models.Model):
    """Who of us looks after an account."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="team")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "user", "role"], name="team_member_once")]

    def __str__(self) -> str:
        return f"{self.user}, {self.role}"
