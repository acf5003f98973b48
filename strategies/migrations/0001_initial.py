"""Strategies, legs, fills, candles and alerts."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """As the models say."""

    initial = True

    dependencies = [
        ("accounts", "0003_trading"),
        ("fo_analytics", "0007_repair"),
    ]

    operations = [
        migrations.CreateModel(
            name="Leg",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("side", models.CharField(choices=[("BUY", "BUY"), ("SELL", "SELL")], max_length=4)),
                ("lot_size", models.PositiveIntegerField(help_text="units in a lot, as at entry")),
                ("open_lots", models.PositiveIntegerField(editable=False, help_text="what of it is still open")),
                ("settlement_price", models.DecimalField(decimal_places=4, editable=False, max_digits=14, null=True)),
                ("settled_at", models.DateTimeField(editable=False, null=True)),
                ("settlement_source", models.CharField(blank=True, editable=False, max_length=16)),
                ("settlement_is_provisional", models.BooleanField(default=False, editable=False)),
                ("physical_delivery", models.BooleanField(default=False, editable=False)),
                ("frozen_at", models.DateTimeField(editable=False, null=True)),
                ("frozen_reason", models.CharField(blank=True, editable=False, max_length=200)),
                ("frozen_price", models.DecimalField(decimal_places=4, editable=False, max_digits=14, null=True)),
                (
                    "instrument",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="fo_analytics.instrument"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Strategy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("description", models.TextField(blank=True)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), blank=True, default=list, size=None
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("draft", "Draft"), ("active", "Active"), ("paused", "Paused"), ("closed", "Closed")],
                        default="draft",
                        max_length=8,
                    ),
                ),
                (
                    "valuation",
                    models.CharField(choices=[("last", "last"), ("mid", "mid")], default="last", max_length=4),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("closed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("outdated_since", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="strategies",
                        to="accounts.tradingaccount",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "strategies",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="LegState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("units", models.BigIntegerField()),
                ("cash", models.BigIntegerField()),
                ("since", models.BigIntegerField(help_text="Unix seconds")),
                ("until", models.BigIntegerField(help_text="Unix seconds, the last of all for what holds still")),
                (
                    "instrument",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="fo_analytics.instrument",
                    ),
                ),
                (
                    "leg",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="states", to="strategies.leg"
                    ),
                ),
                (
                    "strategy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="strategies.strategy"
                    ),
                ),
            ],
            options={
                "ordering": ["strategy", "leg", "since"],
            },
        ),
        migrations.AddField(
            model_name="leg",
            name="strategy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="legs", to="strategies.strategy"
            ),
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "condition",
                    models.CharField(choices=[("at_least", "at_least"), ("at_most", "at_most")], max_length=8),
                ),
                ("threshold", models.DecimalField(decimal_places=2, help_text="rupees", max_digits=20)),
                ("since", models.DateTimeField(help_text="only values made after this count")),
                ("fired_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "fired_value",
                    models.DecimalField(blank=True, decimal_places=2, editable=False, max_digits=20, null=True),
                ),
                (
                    "strategy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="alerts", to="strategies.strategy"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="StrategyCandle",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "strategy", "time", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("time", models.DateTimeField()),
                ("open", models.BigIntegerField(help_text="paise", null=True)),
                ("high", models.BigIntegerField(help_text="paise", null=True)),
                ("low", models.BigIntegerField(help_text="paise", null=True)),
                ("close", models.BigIntegerField(help_text="paise")),
                ("seconds", models.SmallIntegerField()),
                ("partial", models.BooleanField(help_text="an open leg's price was older than what counts as fresh")),
                ("from_bars", models.BooleanField()),
                (
                    "strategy",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="candles",
                        to="strategies.strategy",
                    ),
                ),
            ],
            options={
                "db_table": "strategy_candle",
            },
        ),
        migrations.CreateModel(
            name="Fill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("direction", models.CharField(choices=[("entry", "Entry"), ("exit", "Exit")], max_length=5)),
                ("lots", models.PositiveIntegerField()),
                ("price", models.DecimalField(decimal_places=4, help_text="rupees a unit", max_digits=14)),
                ("at", models.DateTimeField()),
                (
                    "leg",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="fills", to="strategies.leg"
                    ),
                ),
            ],
            options={
                "ordering": ["at", "direction", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("lots__gt", 0), ("price__gt", 0)), name="fill_is_of_something"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="strategy",
            index=django.contrib.postgres.indexes.GinIndex(fields=["tags"], name="strategy_tags"),
        ),
        migrations.AddIndex(
            model_name="strategy",
            index=models.Index(
                condition=models.Q(("outdated_since__isnull", False)),
                fields=["outdated_since"],
                name="strategy_outdated",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(condition=models.Q(("fired_at", None)), fields=["strategy"], name="alert_waiting"),
        ),
        migrations.AddIndex(
            model_name="strategycandle",
            index=models.Index(fields=["time"], name="strategy_candle_time"),
        ),
    ]
