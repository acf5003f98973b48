"""Trading accounts and whom they are shared with."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """As the models say."""

    dependencies = [
        ('accounts', '0002_access'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccountShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='account_shares', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['user__username'],
            },
        ),
        migrations.CreateModel(
            name='TradingAccount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('broker', models.CharField(max_length=32)),
                ('client_code', models.CharField(blank=True, help_text='what the broker calls the account', max_length=64)),
                ('feed_code', models.CharField(blank=True, help_text="what the ticker's order stream calls the account; given by staff alone", max_length=64, null=True, unique=True)),
                ('is_active', models.BooleanField(default=True)),
                ('credentials', models.TextField(blank=True, editable=False)),
                ('postback_secret', models.TextField(blank=True, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trading_accounts', to=settings.AUTH_USER_MODEL)),
                ('shared_with', models.ManyToManyField(related_name='shared_accounts', through='accounts.AccountShare', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='accountshare',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='accounts.tradingaccount'),
        ),
        migrations.AddConstraint(
            model_name='tradingaccount',
            constraint=models.UniqueConstraint(fields=('owner', 'name'), name='trading_account_name'),
        ),
        migrations.AddConstraint(
            model_name='accountshare',
            constraint=models.UniqueConstraint(fields=('account', 'user'), name='account_share_once'),
        ),
    ]
