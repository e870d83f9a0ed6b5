"""Tables of fallout as they first landed."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('crm', '0001_initial'),
        ('fulfillment', '0001_initial'),
        ('kernel', '__first__'),
        ('orders', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Fallout',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('number', models.CharField(editable=False, max_length=20, unique=True)),
                ('type', models.CharField(choices=[('data', 'Data'), ('provisioning', 'Provisioning'), ('inventory_allocation', 'Inventory allocation'), ('billing', 'Billing'), ('external_timeout', 'External timeout'), ('site_access', 'Site access'), ('porting_rejection', 'Porting rejection')], max_length=24)),
                ('cause', models.CharField(help_text='In words, the same for the same cause.', max_length=160)),
                ('fingerprint', models.CharField(db_index=True, help_text='Groups records of the same cause.', max_length=16)),
                ('detail', models.TextField(blank=True)),
                ('suggestion', models.JSONField(blank=True, default=dict, help_text='Characteristic → value that should work.')),
                ('team', models.CharField(max_length=60)),
                ('sla_due_at', models.DateTimeField()),
                ('escalated_at', models.DateTimeField(editable=False, null=True)),
                ('resolution', models.CharField(blank=True, choices=[('retry', 'Retried'), ('edit_and_retry', 'Edited and retried'), ('complete_by_hand', 'Completed by hand'), ('skip', 'Skipped'), ('revise_order', 'Order revised'), ('cancel_line', 'Line cancelled')], max_length=20)),
                ('resolution_note', models.TextField(blank=True)),
                ('resolved_at', models.DateTimeField(null=True)),
                ('state', models.CharField(default='open', max_length=50)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crm.account')),
                ('order', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='fallouts', to='orders.order')),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='fallouts', to=settings.AUTH_USER_MODEL)),
                ('site', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crm.site')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='fallouts', to='fulfillment.task')),
            ],
            options={
                'permissions': [('resolve_fallout', 'Can resolve fallout'), ('assign_fallout', 'Can assign fallout')],
                'indexes': [models.Index(fields=['state', 'sla_due_at'], name='fallout_fal_state_796470_idx')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['open', 'in_progress', 'on_hold', 'awaiting_information'])), fields=('task',), name='one_open_fallout_per_task')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='fallout',
            trigger=pgtrigger.compiler.Trigger(name='state_moves', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{awaiting_information:cancelled,awaiting_information:in_progress,in_progress:awaiting_information,in_progress:cancelled,in_progress:on_hold,in_progress:resolved,on_hold:cancelled,on_hold:in_progress,open:cancelled,open:in_progress,resolved:closed}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='4164340bf18ea7122e48979abbfcf9f86962b8c9', operation='UPDATE', pgid='pgtrigger_state_moves_d8f36', table='fallout_fallout', when='BEFORE')),
        ),
    ]
