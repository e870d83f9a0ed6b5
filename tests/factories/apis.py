"""Clients for tests: a system with a token of its own, and its calls."""

import datetime as dt
import itertools
import json
from typing import Any

from django.test import Client
from django.utils import timezone
from guardian.shortcuts import assign_perm
from oauth2_provider.models import AccessToken

from crm.models import Account
from kernel.models import ApiClient, User
from kernel.rest import scopes
from tests.factories.people import UserFactory

_count = itertools.count(1)


class System:
    """Another system: `System(role="order_agent")` sees all that the role does, `System(account=…)` one account."""

    def __init__(self, *, role: str = "order_manager", account: Account | None = None, only: list[str] | None = None):
        self.user: User = UserFactory(role="customer" if account else role)
        if account:
            assign_perm("crm.access_account", self.user, account)
        held = list(scopes.every()) if only is None else only
        self.client = ApiClient.objects.create(
            name=f"System {next(_count)}", user=self.user, scopes=held, client_type="confidential",
            authorization_grant_type="client-credentials", rate=100_000,
        )  # fmt: skip
        self.token = f"token-{next(_count)}"
        token = AccessToken(
            application=self.client, scope=" ".join(held), expires=timezone.now() + dt.timedelta(hours=1)
        )
        token._raw_token = self.token
        token.save()
        self.http = Client(headers={"authorization": f"Bearer {self.token}"}, raise_request_exception=False)

    def get(self, path: str, **headers: str) -> Any:
        """GET."""
        return self.http.get(_full(path), headers=headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """POST of an object as JSON, or of raw bytes."""
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.http.post(_full(path), data, content_type="application/json", headers=headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        """Merge patch."""
        return self.http.patch(
            _full(path), json.dumps(body), content_type="application/merge-patch+json", headers=headers
        )

    def delete(self, path: str, **headers: str) -> Any:
        """DELETE."""
        return self.http.delete(_full(path), headers=headers)


def _full(path: str) -> str:
    return path if path.startswith(("/", "http")) else f"/tmf-api/{path}"
