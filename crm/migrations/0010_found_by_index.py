"""People are found by their words, customers are listed by name."""

import django.contrib.postgres.indexes
from django.conf import settings
from django.db import migrations, models

import kernel.words


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0009_constraints_in_words"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="contact",
            index=django.contrib.postgres.indexes.GinIndex(
                kernel.words.Vector("first_name", "last_name", "email"), name="contact_words"
            ),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(
                condition=models.Q(("merged_into", None)), fields=["name", "id"], name="account_in_order"
            ),
        ),
    ]
