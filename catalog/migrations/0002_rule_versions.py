"""Rules of decomposition get a lifecycle and a day from which they are in force."""

import datetime as dt

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


THEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def bring_over(apps, schema_editor):
    """What was active is published, the rest is retired."""
    rule = apps.get_model("catalog", "DecompositionRule")
    rule.objects.filter(active=True).update(state="active", published_at=THEN)
    rule.objects.filter(active=False).update(state="retired", published_at=THEN, retired_at=THEN)


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="decompositionrule",
            name="created_at",
            field=models.DateTimeField(auto_now_add=True, db_index=True, default=THEN),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="decompositionrule",
            name="edition",
            field=models.PositiveIntegerField(default=1, editable=False),
        ),
        migrations.AddField(
            model_name="decompositionrule",
            name="note",
            field=models.CharField(blank=True, help_text="What this version changes.", max_length=200),
        ),
        migrations.AddField(
            model_name="decompositionrule",
            name="published_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="decompositionrule",
            name="retired_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="decompositionrule",
            name="starts_on",
            field=models.DateField(default=THEN.date(), verbose_name="in force from"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="decompositionrule",
            name="state",
            field=models.CharField(default="draft", max_length=50),
        ),
        migrations.AddField(
            model_name="decompositionrule",
            name="tests",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="decompositionrule",
            name="updated_at",
            field=models.DateTimeField(auto_now=True),
        ),
        migrations.RunPython(bring_over, migrations.RunPython.noop),
        migrations.RemoveField(
            model_name="decompositionrule",
            name="active",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="decompositionrule",
            trigger=pgtrigger.compiler.Trigger(
                name="state_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))',
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{active:retired,draft:active}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="0682c0429122a5d3fdad3b160ac7a35f97427aaa",
                    operation="UPDATE",
                    pgid="pgtrigger_state_moves_3a908",
                    table="catalog_decompositionrule",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="decompositionrule",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "draft")), fields=("key",), name="one_draft_of_a_rule"
            ),
        ),
        migrations.AddConstraint(
            model_name="decompositionrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "draft"), ("published_at__isnull", False), _connector="OR"),
                name="rule_published_at",
            ),
        ),
    ]
