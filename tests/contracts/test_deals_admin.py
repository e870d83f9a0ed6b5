"""Administration: the clause library is written in versions, signed things are only looked at."""

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Agreement, AgreementTerm, Clause
from kernel.models import User
from tests.factories import contracts as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "blank_pages"), pytest.mark.slow]


@pytest.fixture
def chief(client: Client) -> Client:
    """Somebody who may do everything."""
    client.force_login(User.objects.create_superuser("chief", "chief@trunkline.example", "x"))
    return client


def test_new_words_make_a_new_version(chief: Client) -> None:
    made = make.drafted()
    law = Clause.objects.get(key="law", state="approved")
    page = reverse("admin:contracts_clause_change", args=[law.pk])
    values = {"title": law.title, "text": "Dutch law.", "position": law.position, "standard": "on"}
    assert chief.post(page, values).status_code == 302
    old, new = Clause.objects.filter(key="law").order_by("version")
    assert (old.state, old.text, new.state, new.version, new.text) == (
        "retired", law.text, "approved", 2, "Dutch law.",
    )  # fmt: skip
    assert AgreementTerm.objects.get(agreement=made, clause__key="law").clause == old
    assert chief.post(reverse("admin:contracts_clause_change", args=[old.pk]), values).status_code == 403


def test_deals_are_only_looked_at(chief: Client) -> None:
    contract = make.service_contract()
    for model, key in (("agreement", contract.agreement_id), ("contract", contract.pk)):
        assert chief.get(reverse(f"admin:contracts_{model}_changelist")).status_code == 200
        page = reverse(f"admin:contracts_{model}_change", args=[key])
        assert chief.get(page).status_code == 200
        assert chief.post(page, {"title": "Other"}).status_code == 403
        assert chief.post(reverse(f"admin:contracts_{model}_delete", args=[key])).status_code == 403
    for model in ("signaturerequest", "billingstart", "clause"):
        assert chief.get(reverse(f"admin:contracts_{model}_changelist")).status_code == 200
    assert Agreement.objects.get(pk=contract.agreement_id).title == "Framework agreement"
