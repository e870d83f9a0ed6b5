"""What every test stands on: real PostgreSQL and Valkey, found or started before Django reads its settings."""

import os

import django
import pytest

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

from config import servers

servers.ensure()
django.setup()


def pytest_configure(config: pytest.Config) -> None:
    """Keep wake-up messages inside the test process: no worker of a running product may take them."""
    from config.celery import app

    app.conf.update(broker_url="memory://", broker_transport_options={})
