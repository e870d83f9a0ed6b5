"""Offerings: what is sold, in which bundles, at which prices (TMF620)."""

from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse

from catalog.models.specifications import Specification, Versioned
from kernel import lifecycle, money
from kernel.models import Record


class Category(models.Model):
    """A shelf of the catalogue."""

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


@lifecycle.guarded("state")
class Offering(Versioned):
    """What a customer can buy: a product specification with conditions and prices (ProductOffering).

    A service on its own stands for a service specification that other order systems may order (TMF641).
    """

    class Kind(models.TextChoices):
        PRODUCT = "product", "Product"
        BUNDLE = "bundle", "Bundle"
        ENTITLEMENT = "entitlement", "Entitlement"
        SERVICE = "service", "Service on its own"

    kind = models.CharField(max_length=12, choices=Kind, default=Kind.PRODUCT)
    short_name = models.CharField(max_length=30, blank=True, help_text="Column head in the quote grid.")
    icon = models.CharField(max_length=40, blank=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="offerings")
    specification = models.ForeignKey(
        Specification, null=True, blank=True, on_delete=models.PROTECT, related_name="offerings"
    )
    sellable = models.BooleanField(default=True, help_text="Can be quoted by itself, not only inside a bundle.")
    needs_site = models.BooleanField(default=True)
    needs_feasibility = models.BooleanField(default=False, help_text="Each line wants a feasibility check of its site.")
    entitled_to = models.ManyToManyField(
        "self", symmetrical=False, blank=True, related_name="+", help_text="Entitlements of every service contract."
    )
    eligibility = models.CharField(
        max_length=80, blank=True, verbose_name="eligibility table",
        help_text="Key of a decision table asked beside the general one; its column problem says why not.",
    )  # fmt: skip
    position = models.PositiveIntegerField(default=0)
    id: int

    class Meta:
        ordering = ["position", "key"]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="offering_version"),
            models.UniqueConstraint(fields=["key"], condition=models.Q(state="active"), name="one_active_offering"),
            models.CheckConstraint(
                condition=~models.Q(kind="product") | models.Q(specification__isnull=False),
                name="product_offering_has_specification",
                violation_error_message="A product needs the specification of what it is; choose one.",
            ),
            models.CheckConstraint(  # other order systems order it by TMF641; nobody buys it
                condition=~models.Q(kind="service") | models.Q(specification__isnull=False, sellable=False),
                name="service_offering_is_not_sold",
                violation_error_message="A service for other systems needs a specification and is not sold by itself.",
            ),
        ]

    def get_absolute_url(self) -> str:
        """The page of this version."""
        return f"{reverse('catalog:offering', args=[self.key])}?version={self.version}"


class BundleGroup(models.Model):
    """A choice within a bundle: from `minimum` to `maximum` of its members are taken."""

    bundle = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="groups")
    key = models.SlugField(max_length=60)
    name = models.CharField(max_length=80)
    minimum = models.PositiveIntegerField(default=1)
    maximum = models.PositiveIntegerField(default=1)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["bundle", "key"], name="bundle_group_once"),
            models.CheckConstraint(
                condition=models.Q(minimum__lte=models.F("maximum")),
                name="bundle_group_range",
                violation_error_message="At least is more than at most.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BundleItem(models.Model):
    """One member of a bundle with its cardinality; `presets` are values that the bundle fixes for it.

    Within a group the cardinality counts once the member is chosen.
    """

    bundle = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="items")
    member = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="in_bundles")
    group = models.ForeignKey(BundleGroup, null=True, blank=True, on_delete=models.CASCADE, related_name="items")
    presets = models.JSONField(default=dict, blank=True, help_text="Characteristic values that the bundle fixes.")
    position = models.PositiveIntegerField(default=0)
    minimum = models.PositiveIntegerField(default=1)
    maximum = models.PositiveIntegerField(default=1)
    default = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["bundle", "member"], name="bundle_member_once"),
            models.CheckConstraint(
                condition=models.Q(minimum__lte=models.F("maximum")),
                name="bundle_cardinality",
                violation_error_message="At least is more than at most.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member} in {self.bundle}"


class Charge(models.TextChoices):
    """When a price is charged (TMF620 priceType)."""

    ONE_TIME = "one_time", "One-time"
    RECURRING = "recurring", "Monthly"
    USAGE = "usage", "Usage"


class PriceList(Record):
    """Prices in one currency for one segment and period."""

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    currency = models.CharField(max_length=3, default="EUR")
    segment = models.CharField(max_length=30, blank=True, help_text="Empty serves every segment.")
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)

    def clean(self) -> None:
        """Amounts of the currency can be kept."""
        if said := money.refusal(self.currency):
            raise ValidationError({"currency": said})


class PriceEntry(models.Model):
    """A list price, or with `is_cost` what it costs us, for one combination of characteristic values.

    `when` holds characteristic → value that must all match; the entry with most matches wins per label. `per` names the
    characteristic whose number multiplies the amount, such as channels. A recurring price is for `period` months. Units
    up to `allowance` are free; `tiers` is a list of {"over": units, "amount": price of one}, and `tiering` says whether
    each unit has the price of its own tier, or all have that of the tier reached.
    """

    class Tiering(models.TextChoices):
        NONE = "", "One price"
        TIERED = "tiered", "Each unit at the price of its tier"
        VOLUME = "volume", "All units at the price of the tier reached"

    price_list = models.ForeignKey(PriceList, on_delete=models.CASCADE, related_name="entries")
    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="prices")
    charge = models.CharField(max_length=10, choices=Charge)
    label = models.CharField(max_length=80, default="Price")
    when = models.JSONField(default=dict, blank=True)
    per = models.CharField(max_length=60, blank=True)
    period = models.PositiveIntegerField("months of the period", default=1)
    unit = models.CharField(max_length=30, blank=True, help_text="What usage is counted in, such as minute or GB.")
    allowance = models.DecimalField("units included", max_digits=14, decimal_places=4, default=0)
    tiering = models.CharField(max_length=10, choices=Tiering, blank=True, default=Tiering.NONE)
    tiers = models.JSONField(default=list, blank=True)
    amount = models.DecimalField(max_digits=18, decimal_places=6)
    is_cost = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "price entries"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(amount__gte=0),
                name="price_not_negative",
                violation_error_message="A price is not below zero.",
            ),
            models.CheckConstraint(
                condition=models.Q(allowance__gte=0),
                name="price_allowance_not_negative",
                violation_error_message="What is included is not below zero.",
            ),
            models.CheckConstraint(
                condition=models.Q(period__gte=1, period__lte=120),
                name="price_period",
                violation_error_message="A period has 1 to 120 months.",
            ),
            models.UniqueConstraint(
                fields=["price_list", "offering", "charge", "label", "when", "is_cost"], name="price_entry_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offering} {self.label} {self.amount}"


class PriceAdjustment(models.Model):
    """A rule that changes a list price: one step of the pipeline list → attribute → matrix → volume."""

    class Step(models.TextChoices):
        ATTRIBUTE = "attribute"
        MATRIX = "matrix"
        VOLUME = "volume"

    class How(models.TextChoices):
        FACTOR = "factor", "Multiply by"
        PERCENT = "percent", "Add percent"
        AMOUNT = "amount", "Add amount"
        WAIVE = "waive", "Waive"

    key = models.SlugField(max_length=80, unique=True)
    label = models.CharField(max_length=80)
    price_list = models.ForeignKey(
        PriceList, null=True, blank=True, on_delete=models.CASCADE, related_name="adjustments"
    )
    offerings = models.ManyToManyField(Offering, blank=True, related_name="adjustments", help_text="None means all.")
    charge = models.CharField(max_length=10, choices=Charge)
    step = models.CharField(max_length=10, choices=Step)
    condition = models.CharField(
        max_length=300, blank=True, help_text="Expression over characteristics, region, country, term, sites, quantity."
    )
    how = models.CharField(max_length=10, choices=How)
    value = models.CharField(max_length=200, blank=True, help_text="Number or expression.")
    explanation = models.CharField(max_length=120, blank=True, help_text="What the customer reads; {names} are filled.")
    position = models.PositiveIntegerField(default=0)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["step", "position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(how="amount") | models.Q(price_list__isnull=False),
                name="adjustment_amount_has_currency",
                violation_error_message="An amount needs the price list whose currency it is in.",
            ),
        ]

    def __str__(self) -> str:
        return self.label
