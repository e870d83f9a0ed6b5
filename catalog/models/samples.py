"""Sample orders of the test bench: what a customer could order, kept to be decomposed and priced again and again."""

from django.db import models
from django.urls import reverse

from catalog.models.offerings import PriceList
from kernel.models import Record


class SampleOrder(Record):
    """A stored order that nobody placed.

    `sites` is a list of {"code", "name", "country", "region"}, `lines` of {"offering", "sites": [codes] or "all",
    "quantity", "values"}; offerings are named by key, so that a draft version can take the place of the active one.
    """

    key = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True)
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="+")
    term = models.PositiveIntegerField(default=12, verbose_name="term, months")
    sites = models.JSONField(default=list)
    lines = models.JSONField(default=list)
    id: int

    class Meta:
        ordering = ["name"]

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("catalog:sample", args=[self.key])
