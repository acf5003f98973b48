"""Bars longer than a minute, and the marks of what is not rolled up yet."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("fo_analytics", "0003_master_history")]

    operations = [
        migrations.CreateModel(
            name='BarRollup',
            fields=[
                ('pk', models.CompositePrimaryKey('instrument', 'timeframe', 'time', blank=True, editable=False, primary_key=True, serialize=False)),
                ('timeframe', models.CharField(help_text='one of domain.timeframes.ROLLUP_MINUTES', max_length=3)),
                ('time', models.DateTimeField()),
                ('open', models.FloatField(null=True)),
                ('high', models.FloatField(null=True)),
                ('low', models.FloatField(null=True)),
                ('close', models.FloatField(null=True)),
                ('volume', models.BigIntegerField(help_text='units traded since the previous bar of the session', null=True)),
                ('oi', models.BigIntegerField(help_text='open interest, the last seen', null=True)),
                ('bid', models.FloatField(null=True)),
                ('ask', models.FloatField(null=True)),
                ('forward', models.FloatField(null=True)),
                ('iv', models.FloatField(null=True)),
                ('delta', models.FloatField(null=True)),
                ('gamma', models.FloatField(null=True)),
                ('theta', models.FloatField(null=True)),
                ('vega', models.FloatField(null=True)),
                ('rho', models.FloatField(null=True)),
                ('iv_reason', models.SmallIntegerField(default=0, help_text='why iv is null (domain.pricing.Reason)')),
                ('flags', models.SmallIntegerField(default=0, help_text='domain.bars.Flag')),
                ('first_at', models.DateTimeField(help_text='stamp of the first priced tick', null=True)),
                ('last_at', models.DateTimeField(help_text='stamp of the last priced tick', null=True)),
                ('instrument', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='rollups', to='fo_analytics.instrument')),
            ],
            options={
                'db_table': 'bar_rollup',
                'indexes': [models.Index(fields=['timeframe', 'time'], name='bar_rollup_time')],
            },
        ),
        migrations.CreateModel(
            name='RollupDue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('date', models.DateField()),
                ('since', models.DateTimeField()),
                ('underlying', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='fo_analytics.underlying')),
            ],
            options={
                'db_table': 'rollup_due',
                'indexes': [models.Index(fields=['underlying', 'date'], name='rollup_due_day')],
            },
        ),
    ]
