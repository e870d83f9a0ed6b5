"""Tables of cmdb as they first landed."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('catalog', '0001_initial'),
        ('crm', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='PointOfPresence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('code', models.CharField(max_length=20, unique=True)),
                ('name', models.CharField(max_length=80)),
                ('city', models.CharField(max_length=60)),
                ('country', models.CharField(max_length=2)),
                ('latitude', models.DecimalField(decimal_places=5, max_digits=8)),
                ('longitude', models.DecimalField(decimal_places=5, max_digits=8)),
                ('technologies', models.JSONField(default=list, help_text='fibre, radio, dsl …')),
                ('max_mbps', models.PositiveIntegerField(default=10000)),
                ('redundant', models.BooleanField(default=True)),
            ],
            options={
                'verbose_name_plural': 'points of presence',
            },
        ),
        migrations.CreateModel(
            name='Product',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('number', models.CharField(editable=False, max_length=20, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('state', models.CharField(default='created', max_length=50)),
                ('characteristics', models.JSONField(blank=True, default=dict)),
                ('quantity', models.PositiveIntegerField(default=1)),
                ('currency', models.CharField(default='EUR', max_length=3)),
                ('monthly', models.DecimalField(decimal_places=2, default=0, max_digits=14)),
                ('one_time', models.DecimalField(decimal_places=2, default=0, max_digits=14)),
                ('term_months', models.PositiveIntegerField(default=1)),
                ('order_number', models.CharField(blank=True, db_index=True, max_length=20)),
                ('order_line_key', models.CharField(blank=True, db_index=True, max_length=40)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='products', to='crm.account')),
                ('bundle', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='members', to='cmdb.product')),
                ('offering', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.offering')),
                ('site', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='products', to='crm.site')),
                ('specification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.specification')),
            ],
            options={
                'permissions': [('move_product', 'Can move products through their lifecycle by hand')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('order_line_key', ''), _negated=True), fields=('order_number', 'order_line_key'), name='one_product_per_order_line')],
            },
        ),
        migrations.CreateModel(
            name='Resource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('number', models.CharField(editable=False, max_length=20, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('state', models.CharField(default='planned', max_length=50)),
                ('characteristics', models.JSONField(blank=True, default=dict)),
                ('order_number', models.CharField(blank=True, db_index=True, max_length=20)),
                ('domain_order', models.CharField(blank=True, max_length=20, null=True, unique=True)),
                ('account', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='resources', to='crm.account')),
                ('parent', models.ForeignKey(blank=True, help_text='The device of a port.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='cmdb.resource')),
                ('site', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='resources', to='crm.site')),
                ('specification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.specification')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='FeasibilityCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('number', models.CharField(editable=False, max_length=20, unique=True)),
                ('asked', models.JSONField(default=dict, help_text='Bandwidth and whatever else was asked for.')),
                ('result', models.CharField(choices=[('open', 'Checking'), ('on_net', 'On-net'), ('near_net', 'Near-net'), ('off_net', 'Off-net'), ('impossible', 'Not possible')], default='open', max_length=12)),
                ('technology', models.CharField(blank=True, max_length=20)),
                ('distance_m', models.PositiveIntegerField(null=True)),
                ('lead_days', models.PositiveIntegerField(help_text='Working days from order to access.', null=True)),
                ('build_cost', models.DecimalField(decimal_places=2, default=0, max_digits=14)),
                ('currency', models.CharField(default='EUR', max_length=3)),
                ('max_mbps', models.PositiveIntegerField(null=True)),
                ('alternatives', models.JSONField(blank=True, default=list)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('answered_at', models.DateTimeField(null=True)),
                ('valid_until', models.DateField(null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='crm.account')),
                ('offering', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.offering')),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='feasibility', to='crm.site')),
                ('pop', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cmdb.pointofpresence')),
            ],
            options={
                'indexes': [models.Index(fields=['site', 'offering', '-id'], name='cmdb_feasib_site_id_bd27af_idx')],
            },
        ),
        migrations.CreateModel(
            name='Service',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('number', models.CharField(editable=False, max_length=20, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('state', models.CharField(default='feasibility_checked', max_length=50)),
                ('characteristics', models.JSONField(blank=True, default=dict)),
                ('order_number', models.CharField(blank=True, db_index=True, max_length=20)),
                ('domain_order', models.CharField(blank=True, max_length=20, null=True, unique=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='services', to='crm.account')),
                ('products', models.ManyToManyField(related_name='services', to='cmdb.product')),
                ('site', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='services', to='crm.site')),
                ('specification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.specification')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ResourceUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(blank=True, max_length=40)),
                ('resource', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='used_by', to='cmdb.resource')),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='uses', to='cmdb.service')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('service', 'resource'), name='resource_use_once')],
            },
        ),
        migrations.CreateModel(
            name='ServiceRelation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('realized_by', 'realised by'), ('requires', 'Requires')], default='realized_by', max_length=12)),
                ('on', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='carries', to='cmdb.service')),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='stands_on', to='cmdb.service')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('service', 'on', 'kind'), name='service_relation_once'), models.CheckConstraint(condition=models.Q(('service', models.F('on')), _negated=True), name='service_not_on_itself')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='product',
            trigger=pgtrigger.compiler.Trigger(name='state_moves', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{active:pending_terminate,active:suspended,created:aborted,created:cancelled,created:pending_active,pending_active:aborted,pending_active:active,pending_active:cancelled,pending_terminate:terminated,suspended:active}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='efb2170b75ecd70766b13648871ba4f4f0eed23a', operation='UPDATE', pgid='pgtrigger_state_moves_78cd1', table='cmdb_product', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='resource',
            trigger=pgtrigger.compiler.Trigger(name='state_moves', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{in_service:retired,installed:in_service,planned:reserved,reserved:installed}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='0936f1adb93d0543fce5f12dba3f40b0ae2c53de', operation='UPDATE', pgid='pgtrigger_state_moves_f9dd9', table='cmdb_resource', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='service',
            trigger=pgtrigger.compiler.Trigger(name='state_moves', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{active:inactive,active:terminated,designed:reserved,designed:terminated,feasibility_checked:designed,feasibility_checked:terminated,inactive:active,inactive:terminated,reserved:inactive,reserved:terminated}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='e8184438dce70b5145e57d55bff1fba02bae5061', operation='UPDATE', pgid='pgtrigger_state_moves_543ac', table='cmdb_service', when='BEFORE')),
        ),
    ]
