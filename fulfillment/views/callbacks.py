"""Callbacks: the door for systems outside."""

import json
import logging

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from fulfillment import adapters, receipt, sitechecks
from kernel import clash
from kernel.refusal import Refusal

log = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def callback(request: HttpRequest, system: str) -> HttpResponse:
    """Check the signature, keep the message, act on it once. Repeats are answered 200 without effect."""
    if system not in (*adapters.SYSTEMS, *adapters.ASKED):
        return JsonResponse({"error": "There is no such system."}, status=404)
    try:
        stamp, signature = (request.headers.get(f"X-Trunkline-{name}", "") for name in ("Timestamp", "Signature"))
        receipt.check(stamp, signature, request.body)
        payload = json.loads(request.body)
        if not isinstance(payload, dict) or not payload.get("event_id"):
            return JsonResponse({"error": "Send an object with an event_id."}, status=400)
        if system in adapters.ASKED:
            effect = clash.again(lambda: sitechecks.receive(str(payload["event_id"]), payload))
            return JsonResponse({"effect": effect})
        found = clash.again(lambda: receipt.receive(system, str(payload["event_id"]), payload))
    except ValueError:
        return JsonResponse({"error": "The message is not JSON."}, status=400)
    except receipt.BadSignature as error:
        log.warning("callback of %s refused: %s", system, error)
        return JsonResponse({"error": str(error)}, status=401)
    except Refusal as error:
        return JsonResponse({"error": str(error)}, status=error.status)
    return JsonResponse({"effect": found.effect})
