"""Repetition: the same call with the same Idempotency-Key happens once and is answered the same.

The key's row is written in the transaction of the act. A second call waits for the first at the unique index: it finds
the answer, or, when the first was rolled back, does the work itself.
"""

import hashlib
import json

from django.db import connection
from django.http import HttpResponse

from kernel.models import KeptAnswer, User
from kernel.rest.errors import ApiError

LONGEST = 200
KEPT = ("Location", "ETag", "Content-Type")


def digest(method: str, path: str, body: bytes) -> str:
    """What two calls have in common when they are the same."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).hexdigest()


def claim(user: User, key: str, wanted: str) -> HttpResponse | None:
    """Take the key within the present transaction, or give the answer that was kept. Raises ApiError 422."""
    if len(key) > LONGEST or not key.isprintable():
        raise ApiError(400, f"An Idempotency-Key has at most {LONGEST} printable characters.")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kernel_keptanswer (user_id, key, digest, headers, body) VALUES (%s, %s, %s, '{}', '')"
            " ON CONFLICT DO NOTHING",
            [user.pk, key, wanted],
        )
        if cursor.rowcount:
            return None
    kept = KeptAnswer.objects.get(user=user, key=key)
    if kept.digest != wanted:
        raise ApiError(422, "This Idempotency-Key was used for another call. Take a new key for a new act.")
    answer = HttpResponse(kept.body, status=kept.status or 200, headers=kept.headers)
    answer["Idempotent-Replayed"] = "true"
    return answer


def keep(user: User, key: str, answer: HttpResponse) -> None:
    """Keep what was answered, in the transaction of the act."""
    headers = {name: answer[name] for name in KEPT if name in answer}
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE kernel_keptanswer SET status = %s, headers = %s, body = %s WHERE user_id = %s AND key = %s",
            [answer.status_code, json.dumps(headers), answer.content.decode(), user.pk, key],
        )
