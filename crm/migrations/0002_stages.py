"""The stages that a pipeline starts with; an admin changes them."""

from django.db import migrations

STAGES = (
    ("qualify", "Qualify", 10, "open"),
    ("develop", "Develop", 30, "open"),
    ("propose", "Propose", 60, "open"),
    ("negotiate", "Negotiate", 80, "open"),
    ("closed_won", "Closed won", 100, "won"),
    ("closed_lost", "Closed lost", 0, "lost"),
)


def add(apps, schema_editor):
    Stage = apps.get_model("crm", "Stage")
    if Stage.objects.exists():
        return
    Stage.objects.bulk_create(
        Stage(key=key, name=name, position=number * 10, probability=probability, outcome=outcome)
        for number, (key, name, probability, outcome) in enumerate(STAGES, 1)
    )


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
