from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False  # orders go on being written while it grows

    dependencies = [
        ('orders', '0013_replaced_lines'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(fields=['promised_on', 'id'], name='order_promised_on'),
        ),
    ]
