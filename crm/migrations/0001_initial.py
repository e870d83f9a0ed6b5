"""Tables of crm as they first landed."""

import django.db.models.deletion
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('catalog', '0001_initial'),
        ('kernel', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('number', models.CharField(editable=False, max_length=20, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('kind', models.CharField(choices=[('legal_entity', 'Legal entity'), ('child', 'Child account'), ('consumer', 'Consumer'), ('partner', 'Partner')], default='legal_entity', max_length=14)),
                ('path', models.CharField(db_index=True, editable=False, max_length=200)),
                ('registration', models.CharField(blank=True, help_text='Trade register number.', max_length=40)),
                ('vat_number', models.CharField(blank=True, max_length=30)),
                ('segment', models.CharField(default='business', max_length=30)),
                ('tier', models.CharField(choices=[('standard', 'Standard'), ('silver', 'Silver'), ('gold', 'Gold'), ('platinum', 'Platinum')], default='standard', max_length=10)),
                ('industry', models.CharField(blank=True, max_length=60)),
                ('currency', models.CharField(default='EUR', max_length=3)),
                ('credit_limit', models.DecimalField(decimal_places=2, default=0, max_digits=14)),
                ('overdue_amount', models.DecimalField(decimal_places=2, default=0, max_digits=14)),
                ('owner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='crm.account')),
                ('root', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='crm.account')),
            ],
            options={
                'permissions': [('access_account', 'Can see this account and what is below it'), ('set_credit', 'Can set credit limits')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'child'), ('parent__isnull', False)), models.Q(('kind', 'child'), _negated=True), _connector='OR'), name='child_has_parent'), models.UniqueConstraint(condition=models.Q(models.Q(('registration', ''), _negated=True), ('parent__isnull', True)), fields=('registration',), name='registration_once')],
                'indexes': [models.Index(django.db.models.functions.text.Lower('name'), name='account_name_lower')],
            },
        ),
        migrations.CreateModel(
            name='Stage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=60)),
                ('position', models.PositiveIntegerField()),
                ('probability', models.PositiveSmallIntegerField(help_text='Percent.')),
                ('outcome', models.CharField(choices=[('open', 'Open'), ('won', 'Won'), ('lost', 'Lost')], default='open', max_length=5)),
            ],
            options={
                'ordering': ['position'],
                'constraints': [models.CheckConstraint(condition=models.Q(('probability__lte', 100)), name='stage_probability')],
            },
        ),
        migrations.CreateModel(
            name='BillingProfile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('name', models.CharField(default='Main', max_length=80)),
                ('invoice_email', models.EmailField(max_length=254)),
                ('street', models.CharField(max_length=120)),
                ('postcode', models.CharField(max_length=12)),
                ('city', models.CharField(max_length=60)),
                ('country', models.CharField(max_length=2)),
                ('currency', models.CharField(default='EUR', max_length=3)),
                ('payment_days', models.PositiveIntegerField(default=30)),
                ('purchase_order', models.CharField(blank=True, help_text="The customer's own reference.", max_length=40)),
                ('is_default', models.BooleanField(default=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='billing_profiles', to='crm.account')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('account',), name='one_default_billing_profile')],
            },
        ),
        migrations.CreateModel(
            name='Contact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('first_name', models.CharField(max_length=60)),
                ('last_name', models.CharField(max_length=60)),
                ('email', models.EmailField(max_length=254)),
                ('phone', models.CharField(blank=True, max_length=30)),
                ('job_title', models.CharField(blank=True, max_length=80)),
                ('role', models.CharField(choices=[('signatory', 'Signatory'), ('buyer', 'Buyer'), ('technical', 'Technical'), ('billing', 'Billing'), ('site', 'On site')], default='buyer', max_length=12)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='crm.account')),
                ('user', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='contact', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['last_name', 'first_name'],
                'constraints': [models.UniqueConstraint(fields=('account', 'email', 'role'), name='contact_role_once')],
            },
        ),
        migrations.CreateModel(
            name='TeamMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(max_length=60)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='team', to='crm.account')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('account', 'user', 'role'), name='team_member_once')],
            },
        ),
        migrations.CreateModel(
            name='Opportunity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('number', models.CharField(editable=False, max_length=20, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('state', models.CharField(default='open', max_length=50)),
                ('currency', models.CharField(default='EUR', max_length=3)),
                ('monthly', models.DecimalField(decimal_places=2, default=0, help_text='Expected monthly revenue.', max_digits=14)),
                ('close_on', models.DateField(help_text='When we expect the signature.')),
                ('competitors', models.CharField(blank=True, max_length=200)),
                ('next_step', models.CharField(blank=True, max_length=200)),
                ('reason', models.CharField(blank=True, help_text='Why it was won or lost.', max_length=200)),
                ('need', models.TextField(blank=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opportunities', to='crm.account')),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='crm.contact')),
                ('owner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('stage', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opportunities', to='crm.stage')),
            ],
            options={
                'verbose_name_plural': 'opportunities',
                'permissions': [('work_opportunity', 'Can move opportunities'), ('reopen_opportunity', 'Can reopen opportunities')],
            },
        ),
        migrations.CreateModel(
            name='Site',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('code', models.CharField(max_length=20)),
                ('name', models.CharField(max_length=80)),
                ('street', models.CharField(max_length=120)),
                ('postcode', models.CharField(max_length=12)),
                ('city', models.CharField(max_length=60)),
                ('country', models.CharField(help_text='ISO 3166-1 alpha-2.', max_length=2)),
                ('latitude', models.DecimalField(blank=True, decimal_places=5, max_digits=8, null=True)),
                ('longitude', models.DecimalField(blank=True, decimal_places=5, max_digits=8, null=True)),
                ('region', models.CharField(choices=[('metro', 'Metro'), ('regional', 'Regional'), ('remote', 'Remote')], default='metro', max_length=10)),
                ('access_notes', models.CharField(blank=True, max_length=300)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sites', to='crm.account')),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='crm.contact')),
            ],
            options={
                'ordering': ['country', 'code'],
                'constraints': [models.UniqueConstraint(fields=('account', 'code'), name='site_code_once')],
            },
        ),
        migrations.CreateModel(
            name='Lead',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edition', models.PositiveIntegerField(default=1, editable=False)),
                ('number', models.CharField(editable=False, max_length=20, unique=True)),
                ('company', models.CharField(blank=True, max_length=120)),
                ('first_name', models.CharField(max_length=60)),
                ('last_name', models.CharField(max_length=60)),
                ('email', models.EmailField(max_length=254)),
                ('phone', models.CharField(blank=True, max_length=30)),
                ('job_title', models.CharField(blank=True, max_length=80)),
                ('source', models.CharField(default='web', help_text='Web, fair, partner, referral, call …', max_length=40)),
                ('need', models.TextField(help_text='What they want to achieve, in their words.')),
                ('territory', models.CharField(blank=True, max_length=60)),
                ('country', models.CharField(blank=True, max_length=2)),
                ('score', models.PositiveSmallIntegerField(default=0)),
                ('rating', models.CharField(choices=[('hot', 'Hot'), ('warm', 'Warm'), ('cold', 'Cold')], default='warm', max_length=5)),
                ('state', models.CharField(default='new', max_length=50)),
                ('disqualified_because', models.CharField(blank=True, max_length=200)),
                ('owner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('converted_to', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='leads', to='crm.opportunity')),
            ],
            options={
                'permissions': [('work_lead', 'Can move leads'), ('convert_lead', 'Can convert leads')],
                'constraints': [models.CheckConstraint(condition=models.Q(('score__lte', 100)), name='lead_score')],
                'indexes': [models.Index(django.db.models.functions.text.Lower('email'), name='lead_email_lower')],
            },
        ),
        migrations.CreateModel(
            name='OpportunityLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('description', models.CharField(blank=True, max_length=160)),
                ('quantity', models.PositiveIntegerField(default=1)),
                ('monthly', models.DecimalField(decimal_places=2, default=0, max_digits=14)),
                ('one_time', models.DecimalField(decimal_places=2, default=0, max_digits=14)),
                ('offering', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.offering')),
                ('opportunity', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='crm.opportunity')),
            ],
        ),
        migrations.CreateModel(
            name='LeadLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('description', models.CharField(blank=True, max_length=160)),
                ('quantity', models.PositiveIntegerField(default=1)),
                ('lead', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='crm.lead')),
                ('offering', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.offering')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('offering__isnull', False), models.Q(('description', ''), _negated=True), _connector='OR'), name='lead_line_says_something')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='lead',
            trigger=pgtrigger.compiler.Trigger(name='state_moves', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{contacted:disqualified,contacted:nurturing,disqualified:new,new:contacted,new:disqualified,nurturing:disqualified,nurturing:qualified,qualified:converted}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='e569a6cc3578c03475a821ac4aecf17cf7438a51', operation='UPDATE', pgid='pgtrigger_state_moves_98a64', table='crm_lead', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='opportunity',
            trigger=pgtrigger.compiler.Trigger(name='state_moves', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{lost:open,open:lost,open:won,won:open}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='ea9f748abcbd8263c869065729868b519fb0e318', operation='UPDATE', pgid='pgtrigger_state_moves_b617b', table='crm_opportunity', when='BEFORE')),
        ),
    ]
