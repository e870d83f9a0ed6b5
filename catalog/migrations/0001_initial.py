"""Tables of catalog as they first landed."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Category',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60, unique=True)),
                ('name', models.CharField(max_length=80)),
                ('position', models.PositiveIntegerField(default=0)),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='catalog.category')),
            ],
            options={
                'verbose_name_plural': 'categories',
                'ordering': ['position', 'name'],
            },
        ),
        migrations.CreateModel(
            name='PriceList',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('key', models.SlugField(max_length=60, unique=True)),
                ('name', models.CharField(max_length=80)),
                ('currency', models.CharField(default='EUR', max_length=3)),
                ('segment', models.CharField(blank=True, help_text='Empty serves every segment.', max_length=30)),
                ('valid_from', models.DateField()),
                ('valid_until', models.DateField(blank=True, null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Specification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('key', models.SlugField(max_length=80)),
                ('version', models.PositiveIntegerField(default=1)),
                ('name', models.CharField(max_length=120)),
                ('description', models.TextField(blank=True)),
                ('state', models.CharField(default='design', max_length=50)),
                ('kind', models.CharField(choices=[('product', 'Product'), ('cfs', 'Customer-facing service'), ('rfs', 'Resource-facing service'), ('resource', 'Resource')], max_length=10)),
            ],
            options={
                'ordering': ['kind', 'key'],
                'permissions': [('publish_catalogue', 'Can move catalogue entries through their lifecycle')],
                'constraints': [models.UniqueConstraint(fields=('key', 'version'), name='specification_version'), models.UniqueConstraint(condition=models.Q(('state', 'active')), fields=('key',), name='one_active_specification')],
            },
        ),
        migrations.CreateModel(
            name='Characteristic',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60)),
                ('name', models.CharField(max_length=80)),
                ('type', models.CharField(choices=[('choice', 'Choice'), ('number', 'Number'), ('text', 'Text'), ('boolean', 'Yes or no'), ('date', 'Date')], default='text', max_length=10)),
                ('source', models.CharField(choices=[('customer', 'Configured in the sale'), ('enrichment', 'Filled before decomposition'), ('task', 'Comes out of a task')], default='customer', max_length=12)),
                ('choices', models.JSONField(blank=True, default=list, help_text='Allowed values of a choice, in order.')),
                ('unit', models.CharField(blank=True, max_length=20)),
                ('minimum', models.DecimalField(blank=True, decimal_places=4, max_digits=14, null=True)),
                ('maximum', models.DecimalField(blank=True, decimal_places=4, max_digits=14, null=True)),
                ('pattern', models.CharField(blank=True, help_text='Regular expression for the whole text.', max_length=200)),
                ('required', models.BooleanField(default=False)),
                ('default', models.JSONField(blank=True, null=True)),
                ('shown_when', models.CharField(blank=True, help_text='Expression over the other characteristics.', max_length=200)),
                ('significant', models.BooleanField(default=True, help_text='A change of the value touches fulfilment.')),
                ('hint', models.CharField(blank=True, max_length=160)),
                ('position', models.PositiveIntegerField(default=0)),
                ('specification', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='characteristics', to='catalog.specification')),
            ],
            options={
                'ordering': ['position', 'id'],
                'constraints': [models.UniqueConstraint(fields=('specification', 'key'), name='characteristic_once')],
            },
        ),
        migrations.CreateModel(
            name='DecompositionRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=80)),
                ('version', models.PositiveIntegerField(default=1)),
                ('active', models.BooleanField(default=True)),
                ('kind', models.CharField(choices=[('bundles', 'Bundles'), ('realized_as', 'Realized As'), ('requires', 'Requires'), ('composed_of', 'Composed of (no order of its own)')], default='realized_as', max_length=12)),
                ('condition', models.CharField(blank=True, help_text="Expression over the source's characteristics.", max_length=300)),
                ('cardinality', models.CharField(choices=[('one', '1 : 1'), ('per_quantity', '1 : n by quantity'), ('per_characteristic', '1 : n by a characteristic')], default='one', max_length=20)),
                ('count_from', models.CharField(blank=True, help_text='The characteristic that holds the number.', max_length=60)),
                ('merge', models.CharField(blank=True, choices=[('', 'Not merged'), ('line', 'One per order line'), ('bundle', 'One per bundle'), ('site', 'One per site'), ('order', 'One per order'), ('account', 'One per account')], default='', max_length=10)),
                ('mappings', models.JSONField(blank=True, default=list)),
                ('position', models.PositiveIntegerField(default=0)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='catalog.specification')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='made_by', to='catalog.specification')),
            ],
            options={
                'ordering': ['source', 'position', 'id'],
                'constraints': [models.UniqueConstraint(fields=('key', 'version'), name='decomposition_rule_version')],
            },
        ),
        migrations.CreateModel(
            name='Dependency',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('requires', 'Requires'), ('excludes', 'Excludes')], max_length=10)),
                ('scope', models.CharField(choices=[('site', 'Site'), ('account', 'Account')], default='site', max_length=10)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='dependencies', to='catalog.specification')),
                ('targets', models.ManyToManyField(related_name='+', to='catalog.specification')),
            ],
            options={
                'verbose_name_plural': 'dependencies',
            },
        ),
        migrations.CreateModel(
            name='Offering',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('key', models.SlugField(max_length=80)),
                ('version', models.PositiveIntegerField(default=1)),
                ('name', models.CharField(max_length=120)),
                ('description', models.TextField(blank=True)),
                ('state', models.CharField(default='design', max_length=50)),
                ('kind', models.CharField(choices=[('product', 'Product'), ('bundle', 'Bundle'), ('entitlement', 'Entitlement')], default='product', max_length=12)),
                ('short_name', models.CharField(blank=True, help_text='Column head in the quote grid.', max_length=30)),
                ('icon', models.CharField(blank=True, max_length=40)),
                ('sellable', models.BooleanField(default=True, help_text='Can be quoted by itself, not only inside a bundle.')),
                ('needs_site', models.BooleanField(default=True)),
                ('needs_feasibility', models.BooleanField(default=False, help_text='Each line wants a feasibility check of its site.')),
                ('position', models.PositiveIntegerField(default=0)),
                ('category', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='offerings', to='catalog.category')),
                ('entitled_to', models.ManyToManyField(blank=True, help_text='Entitlements of every service contract.', related_name='+', to='catalog.offering')),
                ('specification', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='offerings', to='catalog.specification')),
            ],
            options={
                'ordering': ['position', 'key'],
                'constraints': [models.UniqueConstraint(fields=('key', 'version'), name='offering_version'), models.UniqueConstraint(condition=models.Q(('state', 'active')), fields=('key',), name='one_active_offering'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'product'), _negated=True), ('specification__isnull', False), _connector='OR'), name='product_offering_has_specification')],
            },
        ),
        migrations.CreateModel(
            name='BundleItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('minimum', models.PositiveIntegerField(default=1)),
                ('maximum', models.PositiveIntegerField(default=1)),
                ('default', models.PositiveIntegerField(default=1)),
                ('bundle', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='catalog.offering')),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='in_bundles', to='catalog.offering')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('bundle', 'member'), name='bundle_member_once'), models.CheckConstraint(condition=models.Q(('minimum__lte', models.F('maximum'))), name='bundle_cardinality')],
            },
        ),
        migrations.CreateModel(
            name='PriceAdjustment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=80, unique=True)),
                ('label', models.CharField(max_length=80)),
                ('charge', models.CharField(choices=[('one_time', 'One-time'), ('recurring', 'Monthly'), ('usage', 'Usage')], max_length=10)),
                ('step', models.CharField(choices=[('attribute', 'Attribute'), ('matrix', 'Matrix'), ('volume', 'Volume')], max_length=10)),
                ('condition', models.CharField(blank=True, help_text='Expression over characteristics, region, country, term, sites, quantity.', max_length=300)),
                ('how', models.CharField(choices=[('factor', 'Multiply by'), ('percent', 'Add percent'), ('amount', 'Add amount'), ('waive', 'Waive')], max_length=10)),
                ('value', models.CharField(blank=True, help_text='Number or expression.', max_length=200)),
                ('explanation', models.CharField(blank=True, help_text='What the customer reads; {names} are filled.', max_length=120)),
                ('position', models.PositiveIntegerField(default=0)),
                ('active', models.BooleanField(default=True)),
                ('offerings', models.ManyToManyField(blank=True, help_text='None means all.', related_name='adjustments', to='catalog.offering')),
                ('price_list', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='adjustments', to='catalog.pricelist')),
            ],
            options={
                'ordering': ['step', 'position', 'id'],
            },
        ),
        migrations.CreateModel(
            name='PriceEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('charge', models.CharField(choices=[('one_time', 'One-time'), ('recurring', 'Monthly'), ('usage', 'Usage')], max_length=10)),
                ('label', models.CharField(default='Price', max_length=80)),
                ('when', models.JSONField(blank=True, default=dict)),
                ('per', models.CharField(blank=True, max_length=60)),
                ('amount', models.DecimalField(decimal_places=4, max_digits=14)),
                ('is_cost', models.BooleanField(default=False)),
                ('offering', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='prices', to='catalog.offering')),
                ('price_list', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='entries', to='catalog.pricelist')),
            ],
            options={
                'verbose_name_plural': 'price entries',
                'constraints': [models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='price_not_negative'), models.UniqueConstraint(fields=('price_list', 'offering', 'charge', 'label', 'when', 'is_cost'), name='price_entry_once')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='specification',
            trigger=pgtrigger.compiler.Trigger(name='state_moves', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{active:retired,design:testing,testing:active,testing:design}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='c2a554b4373478f0c5c85f231db1c31a041260a7', operation='UPDATE', pgid='pgtrigger_state_moves_78e79', table='catalog_specification', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='offering',
            trigger=pgtrigger.compiler.Trigger(name='state_moves', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{active:retired,design:testing,testing:active,testing:design}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='bd41351ec5254f1b7c9d7b32dbfb23caebae86c7', operation='UPDATE', pgid='pgtrigger_state_moves_18502', table='catalog_offering', when='BEFORE')),
        ),
    ]
