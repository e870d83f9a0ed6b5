"""Requests of other systems and customers to cancel an order, and what became of them (TMF622 cancelProductOrder)."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from orders.models.orders import Order


class CancelRequest(models.Model):
    """Somebody asked to cancel an order. What became of it follows from the order, or is said in `problem`."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="cancel_requests")
    reason = models.CharField(max_length=300)
    wanted_on = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    id: int

    objects: ClassVar[Any] = models.Manager()

    def __str__(self) -> str:
        return f"{self.order.number} {self.reason}"
