"""Enrichment flows."""

import django.core.validators
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0003_withdraw_line'),
    ]

    operations = [
        migrations.CreateModel(
            name='EnrichmentFlow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('key', models.CharField(max_length=80, validators=[django.core.validators.RegexValidator('^[a-z][a-z0-9_-]*\\Z', 'Small letters, digits, _ and - only, a letter first.')])),
                ('version', models.PositiveIntegerField(default=1)),
                ('state', models.CharField(default='draft', max_length=50)),
                ('valid_from', models.DateField(blank=True, null=True)),
                ('title', models.CharField(max_length=120)),
                ('specification', models.SlugField(blank=True, help_text='Key of a specification; empty for all.', max_length=80)),
                ('action', models.CharField(blank=True, choices=[('', 'Any order line'), ('add', 'New products'), ('modify', 'Changes'), ('move', 'Moves')], default='', max_length=8)),
                ('steps', models.JSONField(blank=True, default=list)),
            ],
            options={
                'permissions': [('publish_enrichmentflow', 'Can publish and retire enrichment flows')],
                'constraints': [models.UniqueConstraint(fields=('key', 'version'), name='enrichment_flow_version'), models.UniqueConstraint(condition=models.Q(('state', 'draft')), fields=('key',), name='one_draft_of_an_enrichment_flow'), models.UniqueConstraint(condition=models.Q(('state', 'active')), fields=('key', 'valid_from'), name='one_enrichment_flow_a_day'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'active'), _negated=True), ('valid_from__isnull', False), _connector='OR'), name='active_enrichment_flow_has_start')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='enrichmentflow',
            trigger=pgtrigger.compiler.Trigger(name='state_moves', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{active:retired,draft:active}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='81df696504542dd11797a0ea556cb26b626feb25', operation='UPDATE', pgid='pgtrigger_state_moves_f0c64', table='orders_enrichmentflow', when='BEFORE')),
        ),
    ]
