"""Tables of orders as they first landed."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('catalog', '0001_initial'),
        ('cmdb', '0001_initial'),
        ('contracts', '0001_initial'),
        ('crm', '0001_initial'),
        ('fulfillment', '0001_initial'),
        ('kernel', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='Order',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('number', models.CharField(editable=False, max_length=20, unique=True)),
                ('title', models.CharField(max_length=120)),
                ('channel', models.CharField(choices=[('quote', 'From a quote'), ('agent', 'Agent'), ('portal', 'Portal'), ('api', 'API'), ('partner', 'Partner')], default='agent', max_length=8)),
                ('their_reference', models.CharField(blank=True, max_length=60)),
                ('requested_on', models.DateField(blank=True, null=True)),
                ('promised_on', models.DateField(blank=True, null=True)),
                ('first_promised_on', models.DateField(blank=True, null=True)),
                ('slip_reason', models.CharField(blank=True, max_length=200)),
                ('currency', models.CharField(default='EUR', max_length=3)),
                ('monthly', models.DecimalField(decimal_places=2, default=0, max_digits=16)),
                ('one_time', models.DecimalField(decimal_places=2, default=0, max_digits=16)),
                ('term_months', models.PositiveIntegerField(default=1)),
                ('priority', models.PositiveSmallIntegerField(default=50)),
                ('state', models.CharField(default='draft', max_length=50)),
                ('fulfilment', models.CharField(choices=[('nothing', 'Nothing yet'), ('some', 'Some of it works'), ('all', 'All of it works')], default='nothing', max_length=8)),
                ('before_assessment', models.CharField(blank=True, editable=False, max_length=30)),
                ('submitted_at', models.DateTimeField(blank=True, null=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='crm.account')),
                ('billing_profile', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='crm.billingprofile')),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='crm.contact')),
                ('contract', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='contracts.contract')),
                ('manager', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('quote', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='order', to='contracts.quote')),
            ],
            options={
                'permissions': [('submit_order', 'Can submit orders'), ('enrich_order', 'Can fill technical data of orders'), ('approve_order', 'Can approve orders'), ('steer_order', 'Can hold, resume and cancel orders')],
                'indexes': [models.Index(fields=['state', '-id'], name='orders_orde_state_1ed63b_idx'), models.Index(fields=['account', '-id'], name='orders_orde_account_b5af49_idx')],
            },
        ),
        migrations.CreateModel(
            name='OrderLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('key', models.UUIDField()),
                ('position', models.PositiveIntegerField()),
                ('action', models.CharField(choices=[('add', 'Add'), ('modify', 'Modify'), ('delete', 'Delete'), ('suspend', 'Suspend'), ('resume', 'Resume'), ('move', 'Move')], default='add', max_length=10)),
                ('quantity', models.PositiveIntegerField(default=1)),
                ('characteristics', models.JSONField(blank=True, default=dict)),
                ('requested_on', models.DateField(blank=True, null=True)),
                ('promised_on', models.DateField(blank=True, null=True)),
                ('access_notes', models.CharField(blank=True, max_length=300)),
                ('monthly', models.DecimalField(decimal_places=2, default=0, max_digits=14)),
                ('one_time', models.DecimalField(decimal_places=2, default=0, max_digits=14)),
                ('state', models.CharField(default='draft', max_length=50)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crm.account')),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='crm.contact')),
                ('offering', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.offering')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='orders.order')),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='children', to='orders.orderline')),
                ('product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='order_lines', to='cmdb.product')),
                ('quote_line', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='order_lines', to='contracts.quoteline')),
                ('site', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='order_lines', to='crm.site')),
                ('specification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.specification')),
            ],
            options={
                'ordering': ['position', 'id'],
                'constraints': [models.UniqueConstraint(fields=('order', 'key'), name='order_line_key'), models.CheckConstraint(condition=models.Q(('quantity__gte', 1)), name='order_line_quantity'), models.CheckConstraint(condition=models.Q(('action', 'add'), ('product__isnull', False), _connector='OR'), name='change_names_its_product')],
            },
        ),
        migrations.CreateModel(
            name='DomainOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('number', models.CharField(editable=False, max_length=20, unique=True)),
                ('kind', models.CharField(choices=[('product', 'Product order'), ('cfs', 'Service order (customer-facing)'), ('rfs', 'Service order (resource-facing)'), ('resource', 'Resource order')], max_length=10)),
                ('name', models.CharField(max_length=120)),
                ('action', models.CharField(choices=[('add', 'Add'), ('modify', 'Modify'), ('delete', 'Delete'), ('suspend', 'Suspend'), ('resume', 'Resume'), ('move', 'Move')], default='add', max_length=10)),
                ('path', models.CharField(max_length=300)),
                ('depth', models.PositiveSmallIntegerField(default=0)),
                ('rule_version', models.PositiveIntegerField(blank=True, null=True)),
                ('characteristics', models.JSONField(blank=True, default=dict)),
                ('missing', models.JSONField(blank=True, default=list, help_text='Characteristics that it waits for.')),
                ('state', models.CharField(default='draft', max_length=50)),
                ('started_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crm.account')),
                ('flow', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='domain_order', to='fulfillment.flow')),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='children', to='orders.domainorder')),
                ('product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cmdb.product')),
                ('resource', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cmdb.resource')),
                ('rule', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.decompositionrule')),
                ('service', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cmdb.service')),
                ('site', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crm.site')),
                ('specification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.specification')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='domain_orders', to='orders.order')),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='domain_orders', to='orders.orderline')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('order', 'path'), name='domain_order_path')],
                'indexes': [models.Index(fields=['order', 'state'], name='orders_doma_order_i_ba3e85_idx'), models.Index(fields=['parent', 'state'], name='orders_doma_parent__11f784_idx')],
            },
        ),
        migrations.CreateModel(
            name='MissingValue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('needed_for', models.CharField(choices=[('enrichment', 'Enrichment'), ('rule', 'Decomposition')], max_length=12)),
                ('value', models.JSONField(null=True)),
                ('filled_at', models.DateTimeField(null=True)),
                ('characteristic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.characteristic')),
                ('filled_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='missing_values', to='orders.order')),
                ('line', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='missing_values', to='orders.orderline')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('order', 'line', 'characteristic'), name='missing_value_once', nulls_distinct=False)],
            },
        ),
        migrations.CreateModel(
            name='DomainOrderLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('child', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='linked_from', to='orders.domainorder')),
                ('parent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links', to='orders.domainorder')),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.decompositionrule')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('parent', 'child'), name='domain_order_link_once')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='order',
            trigger=pgtrigger.compiler.Trigger(name='state_moves', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{approved:in_progress,assessing_cancellation:awaiting_information,assessing_cancellation:cancellation_in_progress,assessing_cancellation:in_progress,assessing_cancellation:on_hold,assessing_cancellation:revision_in_progress,awaiting_approval:approved,awaiting_approval:cancelled,awaiting_approval:rejected,awaiting_information:assessing_cancellation,awaiting_information:in_progress,cancellation_in_progress:cancelled,draft:cancelled,draft:submitted,enrichment_in_progress:awaiting_approval,enrichment_in_progress:cancelled,enrichment_in_progress:enrichment_on_hold,enrichment_on_hold:awaiting_approval,enrichment_on_hold:cancelled,enrichment_on_hold:enrichment_in_progress,in_progress:assessing_cancellation,in_progress:awaiting_information,in_progress:completed,in_progress:failed,in_progress:on_hold,in_progress:partial,in_progress:revision_in_progress,on_hold:assessing_cancellation,on_hold:in_progress,revision_in_progress:assessing_cancellation,revision_in_progress:in_progress,submitted:awaiting_approval,submitted:enrichment_in_progress,submitted:rejected}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='fe91f99b56af7870647b3203409706bb748e9183', operation='UPDATE', pgid='pgtrigger_state_moves_7e2c2', table='orders_order', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='orderline',
            trigger=pgtrigger.compiler.Trigger(name='state_moves', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{acknowledged:cancelled,acknowledged:rejected,acknowledged:scheduled,assessing_cancellation:cancellation_in_progress,assessing_cancellation:in_progress,awaiting_information:assessing_cancellation,awaiting_information:in_progress,cancellation_in_progress:cancelled,draft:acknowledged,draft:cancelled,in_progress:assessing_cancellation,in_progress:awaiting_information,in_progress:completed,in_progress:failed,in_progress:on_hold,in_progress:revision_in_progress,on_hold:assessing_cancellation,on_hold:in_progress,revision_in_progress:in_progress,scheduled:assessing_cancellation,scheduled:cancelled,scheduled:completed,scheduled:in_progress}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='4d59b71eb9f54e29d9f89e1155265be0e6a33b79', operation='UPDATE', pgid='pgtrigger_state_moves_47a89', table='orders_orderline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='domainorder',
            trigger=pgtrigger.compiler.Trigger(name='state_moves', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{cancellation_in_progress:cancelled,draft:cancellation_in_progress,draft:qualified,draft:waiting_data,in_progress:cancellation_in_progress,in_progress:closed_complete,in_progress:failed,in_progress:on_hold,on_hold:cancellation_in_progress,on_hold:in_progress,qualified:cancellation_in_progress,qualified:scheduled,scheduled:cancellation_in_progress,scheduled:in_progress,waiting_data:cancellation_in_progress,waiting_data:qualified}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='24efe944e7ee60b0f27f55156074f55e72dafe91', operation='UPDATE', pgid='pgtrigger_state_moves_64690', table='orders_domainorder', when='BEFORE')),
        ),
    ]
