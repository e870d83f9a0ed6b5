"""Report filters of selling: by seller, customer and region, for the reports of this app and those above."""

from crm.models import Account, Site
from kernel.models import User
from kernel.reporting import Filter


def _sellers(user: User) -> list[tuple[str, str]]:
    rows = User.objects.filter(is_active=True, groups__name__in=("sales_agent", "sales_manager")).distinct()
    found = [(str(one.pk), str(one)) for one in rows.order_by("first_name", "last_name") if one.pk != user.pk]
    return [(str(user.pk), "Me"), *found]


SELLER = Filter("owner", "Owner", _sellers, all="Anyone")
REGION = Filter("region", "Region", lambda user: Site.Region.choices, all="Everywhere")
TIER = Filter("tier", "Customer", lambda user: Account.Tier.choices, all="Every tier")
