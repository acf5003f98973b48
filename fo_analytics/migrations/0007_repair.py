"""What was done about holes in the stored minutes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('fo_analytics', '0006_tick_order'),
    ]

    operations = [
        migrations.CreateModel(
            name='Repair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first_minute', models.DateTimeField(help_text='open of the first missing minute')),
                ('last_minute', models.DateTimeField(help_text='open of the last one, as of the last attempt')),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('asked_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(help_text='not asked again before, unless by manage.py backfill')),
                ('candles', models.PositiveIntegerField(default=0, help_text='received at the last attempt')),
                ('outcome', models.CharField(choices=[('asked', 'Asked'), ('sent', 'Sent'), ('nothing', 'Nothing'), ('failed', 'Failed')], default='asked', max_length=16)),
                ('underlying', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='repairs', to='fo_analytics.underlying')),
            ],
            options={
                'ordering': ('-first_minute', 'underlying'),
                'constraints': [models.UniqueConstraint(fields=('underlying', 'first_minute'), name='repair_hole')],
            },
        ),
    ]
