"""People for tests: one per role, with the rights that the code grants."""

from typing import Any

import factory
from django.contrib.auth.models import Group

from kernel import roles
from kernel.models import User


class UserFactory(factory.django.DjangoModelFactory[User]):
    """`UserFactory(role="sales_agent")`; `roles=[...]` for several; no role for a person without rights."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda person: f"{person.username}@trunkline.example")
    first_name = factory.Sequence(lambda n: ("Mira", "Petra", "Tom", "Ingrid", "Ravi", "Lena")[n % 6])
    last_name = factory.Sequence(lambda n: f"{('Havlik', 'Aerts', 'Solheim', 'Iyer', 'Koch')[n % 5]} {n}")
    password = "!"

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        wanted = [*kwargs.pop("roles", []), *filter(None, [kwargs.pop("role", "")])]
        user: User = super()._create(model_class, *args, **kwargs)
        if wanted:
            user.groups.set(_groups(wanted))
        return user


def _groups(names: list[str]) -> list[Group]:
    found = list(Group.objects.filter(name__in=names))
    if len(found) < len(set(names)):
        roles.synchronise()
        found = list(Group.objects.filter(name__in=names))
    if len(found) < len(set(names)):
        raise KeyError(f"No such role among {names}")
    return found
