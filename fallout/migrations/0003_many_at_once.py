"""What was done to many on the desk joins what is done to many on any list."""

from typing import Any

from django.db import migrations

LABELS = {
    "retry": "Retry", "suggested": "Use what is suggested", "edit": "Edit and retry", "hand": "Complete by hand",
    "skip": "Skip", "cancel": "Cancel the lines", "assign": "Assign", "await": "Await information",
}  # fmt: skip
ANSWERS = {"waiting": "", "done": "done", "refused": "refused", "left": "left"}


def join(apps: Any, schema_editor: Any) -> None:
    """Each batch as it stands; one that was under way goes on."""
    many, item = apps.get_model("kernel", "Many"), apps.get_model("kernel", "ManyItem")
    for batch in apps.get_model("fallout", "Batch").objects.order_by("pk").iterator():
        made = many.objects.create(
            declared="fallout.acts.Mending", act=batch.act, label=LABELS[batch.act], about=batch.cause,
            path=f"/fallout/?cause={batch.fingerprint}" if batch.fingerprint else "/fallout/",
            seen_with="fallout.view_fallout", key=batch.key, by_id=batch.by_id, total=batch.total,
            values={
                "reason": batch.note, "values": batch.values, "owner": batch.owner_id, "ends_as": batch.ends_as,
            },
            ended_at=batch.ended_at, stopped=batch.state == "cancelled",
        )  # fmt: skip
        many.objects.filter(pk=made.pk).update(asked_at=batch.created_at)
        item.objects.bulk_create(
            item(
                many=made, subject_id=row.fallout_id, name=f"{row.fallout.number} {row.fallout.account.name}"[:200],
                answer=ANSWERS[row.state], why=row.why, done_at=row.done_at,
            )
            for row in batch.items.select_related("fallout__account").order_by("pk")
        )  # fmt: skip


class Migration(migrations.Migration):

    dependencies = [
        ("fallout", "0002_runbooks_batches_standstill"),
        ("kernel", "0013_many_on_desks"),
    ]

    operations = [
        migrations.RunPython(join, migrations.RunPython.noop),
        migrations.DeleteModel(name="BatchItem"),
        migrations.DeleteModel(name="Batch"),
    ]
