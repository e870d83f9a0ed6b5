"""Versions of decision tables: start dates, drafts, tests."""

import django.core.validators
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('kernel', '0002_number_series'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='decisiontable',
            options={'permissions': [('publish_decisiontable', 'Can publish and retire decision tables')]},
        ),
        migrations.RemoveConstraint(
            model_name='decisiontable',
            name='one_active_decision_table',
        ),
        migrations.AddField(
            model_name='decisiontable',
            name='created_at',
            field=models.DateTimeField(auto_now_add=True, db_index=True, default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='decisiontable',
            name='edition',
            field=models.PositiveIntegerField(default=1, editable=False),
        ),
        migrations.AddField(
            model_name='decisiontable',
            name='purpose',
            field=models.CharField(blank=True, help_text='What it decides, in one sentence.', max_length=300),
        ),
        migrations.AddField(
            model_name='decisiontable',
            name='tests',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='decisiontable',
            name='valid_from',
            field=models.DateField(blank=True, default=django.utils.timezone.localdate, null=True),
        ),
        migrations.AlterField(
            model_name='decisiontable',
            name='hit',
            field=models.CharField(choices=[('first', 'First row that matches'), ('collect', 'All rows that match'), ('unique', 'The only row that matches'), ('priority', 'The matching row of highest priority')], default='first', max_length=10),
        ),
        migrations.AlterField(
            model_name='decisiontable',
            name='inputs',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AlterField(
            model_name='decisiontable',
            name='key',
            field=models.CharField(max_length=80, validators=[django.core.validators.RegexValidator('^[a-z][a-z0-9_:-]*\\Z', 'Small letters, digits, _ : and - only, a letter first.')]),
        ),
        migrations.AlterField(
            model_name='decisiontable',
            name='outputs',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AlterField(
            model_name='decisiontable',
            name='rows',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AlterField(
            model_name='decisiontable',
            name='state',
            field=models.CharField(default='active', max_length=50),
        ),
        # What counts already counted since it was last changed; of several drafts of a table the newest stays one.
        migrations.RunSQL(
            """
            UPDATE kernel_decisiontable SET valid_from = updated_at::date;
            UPDATE kernel_decisiontable older SET state = 'retired' WHERE state = 'draft' AND EXISTS (
                SELECT 1 FROM kernel_decisiontable newer
                WHERE newer.key = older.key AND newer.state = 'draft' AND newer.version > older.version)
            """,
            migrations.RunSQL.noop,
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='decisiontable',
            trigger=pgtrigger.compiler.Trigger(name='state_moves', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{active:retired,draft:active}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='7e1388347e1528a396d1193cd9a07385b4ca92b2', operation='UPDATE', pgid='pgtrigger_state_moves_c22c0', table='kernel_decisiontable', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='decisiontable',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'draft')), fields=('key',), name='one_draft_of_a_decision_table'),
        ),
        migrations.AddConstraint(
            model_name='decisiontable',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'active')), fields=('key', 'valid_from'), name='one_decision_table_a_day'),
        ),
        migrations.AddConstraint(
            model_name='decisiontable',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'active'), _negated=True), ('valid_from__isnull', False), _connector='OR'), name='active_decision_table_has_start'),
        ),
    ]
