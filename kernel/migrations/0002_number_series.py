"""One database sequence per number series."""

from django.db import migrations

SERIES = "led opp acc quo agr con svc ord dom tsk fo prj prd srv res fea cas wo".split()


class Migration(migrations.Migration):
    dependencies = [("kernel", "0001_initial")]
    operations = [
        migrations.RunSQL(f"CREATE SEQUENCE number_{name}", f"DROP SEQUENCE number_{name}") for name in SERIES
    ]
