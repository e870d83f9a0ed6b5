"""The first version of the clause library."""

from django.db import migrations

from contracts.standardclauses import CLAUSES


def fill(apps, schema_editor):
    """Add what is not there yet."""
    clause = apps.get_model("contracts", "Clause")
    clause.objects.bulk_create(
        [clause(key=key, title=title, text=text, position=n * 10) for n, (key, title, text) in enumerate(CLAUSES, 1)],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("contracts", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
