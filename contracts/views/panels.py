"""Panels: what was agreed, quoted and signed with an account, for the pages of lower apps."""

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from contracts.models import Agreement, Contract, Entitlement, Quote
from crm.models import Account
from kernel import workspace

SHOWN = 8
OVER = (Contract.State.EXPIRED, Contract.State.TERMINATED, Contract.State.CANCELLED)


@workspace.allowed("kernel.use_workspace")
@require_safe
def of_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Agreements, quotes and contracts of an account and everything below it, as far as this person sees them."""
    user = workspace.person(request)
    account = get_object_or_404(Account.objects.visible_to(user), pk=pk)
    under = {"account__path__startswith": account.path}
    service = Contract.objects.visible_to(user).filter(**under, kind=Contract.Kind.SERVICE)
    in_force = Count("pk", filter=Q(contract__state=Contract.State.ACTIVE))
    entitled = Entitlement.objects.filter(contract__in=service.exclude(state__in=OVER)).values("offering__name")
    context = {
        "account": account,
        "entitlements": entitled.annotate(all=Count("pk"), live=in_force).order_by("offering__name"),
        "agreements": Agreement.objects.visible_to(user).filter(**under).order_by("-id")[:SHOWN],
        "quotes": Quote.objects.visible_to(user).filter(**under).order_by("-id")[:SHOWN],
        "contracts": Contract.objects.visible_to(user)
        .filter(**under, kind=Contract.Kind.SALES)
        .order_by("-id")[:SHOWN],
        "service_count": service.count(),
        "live_count": service.filter(state=Contract.State.ACTIVE).count(),
    }
    return render(request, "contracts/of_account.html", context)
