"""What every test stands on: real PostgreSQL and Valkey, found or started before Django reads its settings."""

import os
from typing import Any

import django
import pytest

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

from config import servers, template

servers.ensure()
if "PYTEST_XDIST_WORKER" not in os.environ:  # workers inherit it
    os.environ["TEST_TEMPLATE"] = template.ensure(os.environ["DATABASE_URL"])
(servers.VAR / "static").mkdir(exist_ok=True)  # as `collectstatic` would
django.setup()


def pytest_configure(config: pytest.Config) -> None:
    """Keep wake-up messages inside the test process: no worker of a running product may take them."""
    from config.celery import app

    app.conf.update(broker_url="memory://", broker_transport_options={})


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Every test database knows the roles that the code grants."""
    from kernel import roles

    with django_db_blocker.unblock():
        roles.synchronise()
