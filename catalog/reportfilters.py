"""Report filters of the catalogue: by product and by specification, for the reports of all apps."""

from catalog.models import Offering, Specification
from kernel.models import User
from kernel.reporting import Filter

IN_USE = ("active", "retired")


def _products(user: User) -> list[tuple[str, str]]:
    rows = Offering.objects.filter(state__in=IN_USE).order_by("name", "key")
    return list(dict(rows.values_list("key", "name")).items())


def specifications(user: User) -> list[tuple[str, str]]:
    """Key → name of every specification that is or was in use."""
    rows = Specification.objects.filter(state__in=IN_USE).order_by("name", "key")
    return list(dict(rows.values_list("key", "name")).items())


PRODUCT = Filter("product", "Product", _products, all="Any")
SPECIFICATION = Filter("specification", "Specification", specifications, all="Any")
