"""Superseded lots and ticks, a record of imports, and the index that listings of expiries step through."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('fo_analytics', '0002_hypertables'),
    ]

    operations = [
        migrations.CreateModel(
            name='MasterImport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('as_of', models.DateField(help_text='the day the list is of')),
                ('markets', models.CharField(help_text='what it listed, as the broker calls it: BFO NFO', max_length=32)),
                ('imported_at', models.DateTimeField(auto_now_add=True)),
                ('added', models.PositiveIntegerField()),
                ('changed', models.PositiveIntegerField()),
                ('expired', models.PositiveIntegerField(help_text='contracts no longer listed, or whose token went to another')),
            ],
            options={
                'ordering': ('-pk',),
            },
        ),
        migrations.CreateModel(
            name='SupersededTerms',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('valid_to', models.DateField()),
                ('lot_size', models.PositiveIntegerField(help_text='units in one lot')),
                ('tick_size', models.DecimalField(decimal_places=4, help_text='rupees', max_digits=8)),
            ],
            options={
                'verbose_name_plural': 'superseded terms',
                'ordering': ('instrument', 'valid_to'),
            },
        ),
        migrations.AddIndex(
            model_name='instrument',
            index=models.Index(condition=models.Q(('kind__in', ('CE', 'PE'))), fields=['underlying', 'expiry', 'valid_from'], name='instrument_listing'),
        ),
        migrations.AddField(
            model_name='supersededterms',
            name='instrument',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='superseded_terms', to='fo_analytics.instrument'),
        ),
        migrations.AddConstraint(
            model_name='supersededterms',
            constraint=models.UniqueConstraint(fields=('instrument', 'valid_to'), name='superseded_terms_day'),
        ),
    ]
