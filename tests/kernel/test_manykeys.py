"""Many keys: a long list finds the same rows as a short one, by one parameter."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kernel.manykeys import FEW
from kernel.models import Notification, User
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def test_long_lists_are_one_array_and_find_the_same() -> None:
    people = [UserFactory().pk for _ in range(3)]
    missing = [max(people) + n for n in range(1, FEW + 5)]
    with CaptureQueriesContext(connection) as seen:
        assert set(User.objects.filter(pk__in=[*people, *missing]).values_list("pk", flat=True)) == set(people)
    assert "= ANY('{" in seen.captured_queries[0]["sql"]
    assert User.objects.filter(pk__in=set(missing)).count() == 0
    assert User.objects.exclude(pk__in=[*people[:1], *missing]).filter(pk__in=people).count() == 2


def test_whatever_else_is_left_to_django() -> None:
    person = UserFactory()
    Notification.objects.create(user=person, text="x")
    assert User.objects.filter(pk__in=[person.pk]).get() == person
    assert User.objects.filter(pk__in=Notification.objects.values("user")).get() == person
    assert User.objects.filter(pk__in=[str(person.pk), *map(str, range(10**6, 10**6 + FEW + 1))]).get() == person
    assert not User.objects.filter(pk__in=[]).exists()
