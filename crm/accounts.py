"""Accounts: legal entities and what belongs to them are opened, completed and let into the portal."""

from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.text import slugify
from guardian.shortcuts import assign_perm, remove_perm

from crm.models import Account, BillingProfile, Contact, Site, TeamMember
from crm.uniqueness import said_at_its_field
from kernel import audit, editing, invitation, money
from kernel.models import User
from kernel.refusal import Conflict, Refusal

MAX_DEPTH = 6  # levels of an account tree


class Misplaced(Refusal):
    """An account cannot stand there in the tree."""


class NoPortalAccess(Refusal):
    """A contact cannot be let into the portal."""


@transaction.atomic
def open_account(
    *, name: str, by: User | None, kind: str = Account.Kind.LEGAL_ENTITY, parent_id: int | None = None, **fields: Any
) -> Account:
    """Open a legal entity, consumer or partner, or with `parent_id` a child account below one.

    `fields` are further columns of Account. A child inherits segment, tier, currency, industry and owner unless given.

    Raises:
        Misplaced: a child without a parent, a parent that cannot have children, or a tree that grows too deep.
        Duplicate: another legal entity has this trade register number.
        NotKept: amounts in its currency would lose a digit.
    """
    parent = Account.objects.locked(parent_id) if parent_id else None
    kind = _placed(kind, parent)
    if parent:
        inherited = {key: getattr(parent, key) for key in ("segment", "tier", "industry", "currency", "owner")}
        fields = {**inherited, **fields}
    account = Account(name=name.strip(), kind=kind, parent=parent, **fields)
    money.require_kept(account.currency)
    if account.owner is None:
        account.owner = by
    with said_at_its_field():
        account.save()
    account.path = f"{parent.path if parent else '/'}{account.pk}/"
    account.root_id = parent.root_id if parent else account.pk
    account.save(update_fields=["path", "root"])
    audit.record("opened", account, by=by, changes={"name": [None, account.name], "kind": [None, kind]})
    return account


def change_account(*, account_id: int, edition: int, by: User | None, **fields: Any) -> Account:
    """Change an account that was shown at `edition`.

    Raises:
        Duplicate: another legal entity has this trade register number.
        Changed: somebody else changed it meanwhile (`kernel.editing`).
    """
    money.require_kept(fields.get("currency", ""))
    with said_at_its_field():
        return editing.edit(Account, account_id, edition=edition, values=fields, by=by)


def change_contact(*, contact_id: int, edition: int, by: User | None, **fields: Any) -> Contact:
    """Change a contact that was shown at `edition`. Raises as `change_account` does."""
    if "email" in fields:
        fields["email"] = fields["email"].strip().lower()
    with said_at_its_field():
        return editing.edit(Contact, contact_id, edition=edition, values=fields, by=by)


def change_site(*, site_id: int, edition: int, by: User | None, **fields: Any) -> Site:
    """Change a site that was shown at `edition`. Raises as `change_account` does."""
    with said_at_its_field():
        return editing.edit(Site, site_id, edition=edition, values=fields, by=by)


@transaction.atomic
def change_billing_profile(*, profile_id: int, edition: int, by: User | None, **fields: Any) -> BillingProfile:
    """Change how an account pays; a new default takes the place of the old one, and the default cannot be unset.

    Raises:
        Refusal: the only default would be unset.
        Changed: see `change_account`.
    """
    profile = BillingProfile.objects.select_related("account").get(pk=profile_id)
    Account.objects.locked(profile.account_id)
    if profile.is_default and fields.get("is_default") is False:
        raise Refusal(problems={"is_default": ["Make another profile the default instead."]})
    if fields.get("is_default") and not profile.is_default:
        BillingProfile.objects.filter(account=profile.account_id, is_default=True).update(is_default=False)
    with said_at_its_field():
        return editing.edit(BillingProfile, profile_id, edition=edition, values=fields, by=by)


def _placed(kind: str, parent: Account | None) -> str:
    if parent is None:
        if kind == Account.Kind.CHILD:
            raise Misplaced(problems={"parent": ["A child account needs the account that it belongs to."]})
        return kind
    if parent.kind == Account.Kind.CONSUMER:
        raise Misplaced(problems={"parent": ["A consumer has no child accounts."]})
    if parent.path.count("/") > MAX_DEPTH:
        raise Misplaced(problems={"parent": [f"An account tree has at most {MAX_DEPTH} levels."]})
    return Account.Kind.CHILD


@transaction.atomic
def add_contact(
    *, account_id: int, first_name: str, last_name: str, email: str, by: User | None, portal_access: bool = False,
    **fields: Any,
) -> Contact:  # fmt: skip
    """Add a person to an account, and with `portal_access` let them into the portal.

    Raises:
        Duplicate: the account has this address in this role already.
        NoPortalAccess: see `let_in`.
    """
    account = Account.objects.get(pk=account_id)
    contact = Contact(
        account=account,
        first_name=first_name.strip(),
        last_name=last_name.strip(),
        email=email.strip().lower(),
        **fields,
    )
    with said_at_its_field():
        contact.save()
    audit.record("contact added", account, by=by, changes={"contacts": [None, f"{contact}, {contact.email}"]})
    if portal_access:
        let_in(contact_id=contact.pk, by=by)
        contact = Contact.objects.get(pk=contact.pk)
    return contact


@transaction.atomic
def let_in(*, contact_id: int, by: User | None) -> User:
    """Give a contact a log-in to the portal that sees their account and what is below it; safe to run again.

    Raises:
        NoPortalAccess: the address belongs to one of our own people or to another customer's log-in.
    """
    contact = Contact.objects.select_related("account").select_for_update(of=("self",)).get(pk=contact_id)
    user = contact.user or _portal_user(contact)
    if contact.user_id is None:
        contact.user = user
        contact.save(update_fields=["user", "updated_at"])
    assign_perm("crm.access_account", user, contact.account)
    audit.record("portal access given", contact, by=by, changes={"user": [None, user.username]})
    invitation.invite(user, f"the Trunkline portal for {contact.account.name}")
    return user


@transaction.atomic
def shut_out(*, contact_id: int, by: User | None) -> None:
    """Take a contact's view of the account away; the log-in itself is closed."""
    contact = Contact.objects.select_related("account", "user").select_for_update(of=("self",)).get(pk=contact_id)
    if contact.user is None:
        return
    remove_perm("crm.access_account", contact.user, contact.account)
    User.objects.filter(pk=contact.user.pk).update(is_active=False)
    audit.record("portal access taken", contact, by=by, changes={"user": [contact.user.username, None]})
    Contact.objects.filter(pk=contact.pk).update(user=None)


def _portal_user(contact: Contact) -> User:
    user = User.objects.filter(email__iexact=contact.email).first()
    if user is None:
        user = User(username=_free_username(contact), email=contact.email)
        user.first_name, user.last_name = contact.first_name, contact.last_name
        user.set_unusable_password()
        user.save()
        user.groups.add(Group.objects.get_or_create(name="customer")[0])
    elif user.is_superuser or user.roles != {"customer"}:
        raise NoPortalAccess(problems={"email": ["This address belongs to one of our own people."]})
    elif Contact.objects.filter(user=user).exists():
        raise NoPortalAccess(problems={"email": ["Another contact already logs in with this address."]})
    elif not user.is_active:
        user.is_active = True
        user.save(update_fields=["is_active"])
    return user


def _free_username(contact: Contact) -> str:
    wanted = slugify(f"{contact.first_name} {contact.last_name}").replace("-", ".") or f"contact.{contact.pk}"
    taken = User.objects.filter(username=wanted[:140]).exists()
    return f"{wanted[:140]}.{contact.pk}" if taken else wanted[:140]


@transaction.atomic
def add_site(*, account_id: int, code: str, name: str, by: User | None, **fields: Any) -> Site:
    """Add a site with its address. Raises Duplicate when the account has that code already."""
    account = Account.objects.get(pk=account_id)
    site = Site(account=account, code=code.strip(), name=name.strip(), **fields)
    with said_at_its_field():
        site.save()
    audit.record("site added", account, by=by, changes={"sites": [None, str(site)]})
    return site


@transaction.atomic
def add_billing_profile(
    *, account_id: int, invoice_email: str, by: User | None, is_default: bool = True, **fields: Any
) -> BillingProfile:
    """Say how an account pays; a new default takes the place of the old one, and the first is always the default.

    Raises:
        Refusal: the profile's currency is not the account's.
    """
    account = Account.objects.locked(account_id)
    fields.setdefault("currency", account.currency)
    if fields["currency"] != account.currency:
        raise Refusal(problems={"currency": [f"{account} is billed in {account.currency}."]})
    others = BillingProfile.objects.filter(account=account, is_default=True)
    is_default = is_default or not others.exists()
    if is_default:
        others.update(is_default=False)
    profile = BillingProfile(account=account, invoice_email=invoice_email.strip(), is_default=is_default, **fields)
    with said_at_its_field():
        profile.save()
    audit.record("billing profile added", account, by=by, changes={"billing_profiles": [None, profile.name]})
    return profile


@transaction.atomic
def add_team_member(*, account_id: int, user_id: int, role: str, by: User | None) -> TeamMember:
    """Name who of us looks after an account. Raises Duplicate, and Conflict for a customer's log-in."""
    account, user = Account.objects.get(pk=account_id), User.objects.get(pk=user_id)
    if "customer" in user.roles:
        raise Conflict("A customer's log-in cannot be in the account team.")
    member = TeamMember(account=account, user=user, role=role.strip())
    with said_at_its_field():
        member.save()
    audit.record("team member added", account, by=by, changes={"team": [None, str(member)]})
    return member


def gaps(account: Account) -> list[str]:
    """What the tree of an account still lacks before anything is sold to it, as sentences; one query."""
    here = OuterRef("pk")
    tree = (
        Account.objects.filter(root_id=account.root_id)
        .order_by("path")
        .values_list(
            "name",
            "kind",
            Exists(Contact.objects.filter(account=here)),
            Exists(Site.objects.filter(account=here)),
        )
    )
    found, sited = [], False
    for name, kind, has_contact, has_site in tree:
        sited = sited or has_site
        if not has_contact:
            found.append(f"{name} has no contact.")
        if kind == Account.Kind.CHILD and not has_site:
            found.append(f"{name} has no site.")
    return found if sited else [*found, f"{account.name} has no site yet."]
