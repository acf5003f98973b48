"""Orders, positions, holdings, funds and snapshots of trading accounts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """As the models say."""

    dependencies = [
        ('accounts', '0003_trading'),
    ]

    operations = [
        migrations.CreateModel(
            name='Funds',
            fields=[
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='funds', serialize=False, to='accounts.tradingaccount')),
                ('cash', models.DecimalField(decimal_places=2, max_digits=20)),
                ('collateral', models.DecimalField(decimal_places=2, max_digits=20)),
                ('used_margin', models.DecimalField(decimal_places=2, max_digits=20)),
                ('available', models.DecimalField(decimal_places=2, max_digits=20)),
                ('as_of', models.DateTimeField(auto_now=True)),
            ],
            options={
                'verbose_name_plural': 'funds',
            },
        ),
        migrations.CreateModel(
            name='AccountSnapshot',
            fields=[
                ('pk', models.CompositePrimaryKey('account', 'time', blank=True, editable=False, primary_key=True, serialize=False)),
                ('time', models.DateTimeField()),
                ('realised', models.DecimalField(decimal_places=2, help_text='of the day', max_digits=24)),
                ('unrealised', models.DecimalField(decimal_places=2, max_digits=24, null=True)),
                ('open_positions', models.IntegerField()),
                ('unpriced', models.IntegerField()),
                ('orders', models.IntegerField(help_text='of the day')),
                ('holdings_cost', models.DecimalField(decimal_places=2, max_digits=24)),
                ('cash', models.DecimalField(decimal_places=2, max_digits=20, null=True)),
                ('used_margin', models.DecimalField(decimal_places=2, max_digits=20, null=True)),
                ('available', models.DecimalField(decimal_places=2, max_digits=20, null=True)),
                ('taken_at', models.DateTimeField()),
                ('account', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='snapshots', to='accounts.tradingaccount')),
            ],
            options={
                'db_table': 'account_snapshot',
                'ordering': ['-time'],
            },
        ),
        migrations.CreateModel(
            name='Holding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('exchange', models.CharField(max_length=64)),
                ('tradingsymbol', models.CharField(max_length=64)),
                ('token', models.BigIntegerField(null=True)),
                ('quantity', models.BigIntegerField(help_text='units')),
                ('average_price', models.DecimalField(decimal_places=4, max_digits=16)),
                ('as_of', models.DateTimeField(auto_now=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='holdings', to='accounts.tradingaccount')),
            ],
            options={
                'ordering': ['tradingsymbol', 'exchange'],
                'constraints': [models.UniqueConstraint(fields=('account', 'exchange', 'tradingsymbol'), name='holding_once')],
            },
        ),
        migrations.CreateModel(
            name='Order',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('order_id', models.CharField(help_text="the broker's; once in an account", max_length=64)),
                ('token', models.BigIntegerField()),
                ('exchange', models.CharField(max_length=64)),
                ('tradingsymbol', models.CharField(max_length=64)),
                ('side', models.CharField(choices=[('BUY', 'BUY'), ('SELL', 'SELL')], max_length=4)),
                ('order_type', models.CharField(max_length=64)),
                ('product', models.CharField(max_length=64)),
                ('quantity', models.BigIntegerField(help_text='units')),
                ('price', models.DecimalField(decimal_places=4, max_digits=16, null=True)),
                ('filled', models.BigIntegerField(help_text='units')),
                ('filled_at', models.DateTimeField(null=True)),
                ('average_price', models.DecimalField(decimal_places=4, max_digits=16, null=True)),
                ('status', models.CharField(choices=[('OPEN', 'Open'), ('PARTIAL', 'Partial'), ('COMPLETE', 'Complete'), ('CANCELLED', 'Cancelled'), ('REJECTED', 'Rejected')], max_length=9)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('updated_at', models.DateTimeField(help_text="the exchange's stamp")),
                ('received_at', models.DateTimeField(auto_now=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='orders', to='accounts.tradingaccount')),
            ],
            options={
                'ordering': ['-updated_at', '-id'],
                'indexes': [models.Index(fields=['account', '-updated_at', '-id'], name='order_newest'), models.Index(condition=models.Q(('filled__gt', 0)), fields=['account', 'token', 'filled_at'], name='order_filled')],
                'constraints': [models.UniqueConstraint(fields=('account', 'order_id'), name='order_once')],
            },
        ),
        migrations.CreateModel(
            name='Position',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('date', models.DateField()),
                ('token', models.BigIntegerField()),
                ('product', models.CharField(max_length=64)),
                ('exchange', models.CharField(max_length=64)),
                ('tradingsymbol', models.CharField(max_length=64)),
                ('overnight_quantity', models.BigIntegerField(default=0, help_text='units, negative for short')),
                ('overnight_cost', models.DecimalField(decimal_places=4, default=0, max_digits=24)),
                ('overnight_given', models.BooleanField(default=False)),
                ('bought', models.BigIntegerField(default=0, help_text='units')),
                ('bought_value', models.DecimalField(decimal_places=4, default=0, max_digits=24)),
                ('sold', models.BigIntegerField(default=0, help_text='units')),
                ('sold_value', models.DecimalField(decimal_places=4, default=0, max_digits=24)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='positions', to='accounts.tradingaccount')),
            ],
            options={
                'ordering': ['-date', 'tradingsymbol'],
                'constraints': [models.UniqueConstraint(fields=('account', 'token', 'product', 'date'), name='position_day')],
            },
        ),
    ]
