"""Settings, URLs, processes.

Owns how the product is put together and started; holds no business rule.
Start reading at `settings.py`, then `urls.py`; `servers.py` starts the embedded PostgreSQL and Valkey.
"""

from config.celery import app as celery_app

__all__ = ["celery_app"]
