"""The factories make whole records by the real acts."""

import pytest

from tests.factories.crm import AccountFactory, BillingProfileFactory, ContactFactory, OpportunityFactory, SiteFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def test_one_of_each() -> None:
    entity = AccountFactory()
    child = AccountFactory(parent=entity)
    assert (child.kind, child.root_id, child.path) == ("child", entity.pk, f"/{entity.pk}/{child.pk}/")
    assert SiteFactory(account=child).account == child
    assert ContactFactory(account=child, portal_access=True).user.roles == {"customer"}
    assert BillingProfileFactory(account=entity).is_default
    assert OpportunityFactory(account=entity).stage.key == "qualify"


def test_a_person_has_the_rights_of_the_role() -> None:
    assert UserFactory(role="sales_agent").has_perm("kernel.use_workspace")
    assert not UserFactory().has_perm("kernel.use_workspace")
