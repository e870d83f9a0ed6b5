"""Celery: messages only wake; the database holds what is to be done."""

from celery import Celery

app = Celery("trunkline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
