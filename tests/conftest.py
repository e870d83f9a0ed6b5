"""What every test stands on: real PostgreSQL and Valkey, found or started before Django reads its settings."""

import os
from collections.abc import Generator
from typing import Any

import django
import hypothesis
import pytest
from hypothesis import HealthCheck

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
if os.environ.get("FAULTS") != "full":
    os.environ.setdefault("WORKER_NICE", "0")  # other tests are no people who wait for a page

from config import servers, template

servers.ensure()
if "PYTEST_XDIST_WORKER" not in os.environ:  # workers inherit it
    os.environ["TEST_TEMPLATE"] = template.ensure(os.environ["DATABASE_URL"])
(servers.VAR / "static").mkdir(exist_ok=True)  # as `collectstatic` would
django.setup()


# How fast the machine is at the moment is no property of the product.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
hypothesis.settings.load_profile("busy")


def pytest_configure(config: pytest.Config) -> None:
    """No worker of a running product may take wake-up messages of a test; nothing slow that tests are not about."""
    from django.conf import settings

    from config.celery import app

    app.conf.update(broker_url="memory://", broker_transport_options={})
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    settings.WHITENOISE_AUTOREFRESH = True  # static files are found when asked for, not listed for each test client


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files stay together."""
    from tests.sharing import ByFile

    return ByFile(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, Any, Any]:
    """In a parallel run, what takes long begins first and what empties the database comes last."""
    from tests import sharing

    parallel = hasattr(config, "workerinput")
    if parallel:
        sharing.keep_apart(items)
    answer = yield
    if parallel:
        sharing.longest_first(items)
    return answer


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Every test database knows the roles that the code grants."""
    from kernel import roles

    with django_db_blocker.unblock():
        roles.synchronise()
