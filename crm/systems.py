"""Systems: another system is let in as a client of the APIs, for one customer's accounts or for the whole provider."""

import secrets
from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.text import slugify
from guardian.shortcuts import assign_perm
from oauth2_provider.generators import generate_client_secret

from crm.models import Account
from kernel import audit, roles
from kernel.models import ApiClient, User
from kernel.refusal import NotPermitted, Refusal

CUSTOMER = "customer"


@transaction.atomic
def register(
    *, name: str, scopes: Iterable[str], by: User | None, account_id: int | None = None, role: str = "",
    rate: int = 600,
) -> tuple[ApiClient, str]:  # fmt: skip
    """A client that acts as an account of its own; returns it with its secret, which is not kept.

    With an account it sees that one and those below, as a customer does; else it has a role of the provider.

    Raises:
        Refusal: there is neither an account nor a role, or no scope.
        NotPermitted
    """
    if by is not None and not by.has_perm("kernel.add_apiclient"):
        raise NotPermitted("Your roles do not include the right to let other systems in.")
    held = sorted(set(scopes))
    if not held:
        raise Refusal(problems={"scopes": ["Choose at least one."]})
    if account_id is None and (role not in roles.ROLES or role == CUSTOMER):
        raise Refusal(problems={"role": ["Choose a customer’s account, or a role for the whole provider."]})
    user = _acting_user(name, role if account_id is None else CUSTOMER)
    if account_id is not None:
        assign_perm("crm.access_account", user, Account.objects.get(pk=account_id))
    secret = generate_client_secret()
    client = ApiClient.objects.create(
        name=name[:255], user=user, scopes=held, rate=rate, client_secret=secret,
        client_type=ApiClient.CLIENT_CONFIDENTIAL, authorization_grant_type=ApiClient.GRANT_CLIENT_CREDENTIALS,
    )  # fmt: skip
    audit.record("registered", client, by=by, changes={"scopes": [None, held], "account": [None, account_id]})
    return client, secret


@transaction.atomic
def new_secret(*, client_id: int, by: User | None) -> str:
    """Another secret; the old one and every token made with it hold no longer."""
    client = ApiClient.objects.select_for_update().get(pk=client_id)
    secret: str = generate_client_secret()
    client.client_secret = secret
    client.save(update_fields=["client_secret", "updated"])
    client.accesstoken_set.all().delete()
    audit.record("secret renewed", client, by=by)
    return secret


def _acting_user(name: str, role: str) -> User:
    mark = f"{slugify(name)[:60] or 'system'}-{secrets.token_hex(4)}"
    user = User(username=f"api.{mark}", email=f"{mark}@systems.invalid", first_name=name[:150], job_title="System")
    user.set_unusable_password()
    user.save()
    user.groups.set(Group.objects.filter(name=role))
    return user
