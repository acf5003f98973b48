"""When a strategy was paused, by what a leg was settled, and what clients named by keys of their own."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """As the models say."""

    dependencies = [
        ("fo_analytics", "0007_repair"),
        ("strategies", "0002_candle_hypertable"),
    ]

    operations = [
        migrations.CreateModel(
            name="Submission",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64)),
                ("digest", models.CharField(help_text="of what was asked for", max_length=64)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddField(
            model_name="leg",
            name="settlement_close",
            field=models.DecimalField(
                decimal_places=4, editable=False, help_text="of the underlying, settled by", max_digits=14, null=True
            ),
        ),
        migrations.AddField(
            model_name="leg",
            name="settlement_recorded_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="leg",
            name="terms_accepted_until",
            field=models.DateField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="strategy",
            name="paused_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="leg",
            index=models.Index(condition=models.Q(("open_lots__gt", 0)), fields=["instrument"], name="leg_open"),
        ),
        migrations.AddIndex(
            model_name="leg",
            index=models.Index(
                condition=models.Q(("settlement_recorded_at__isnull", False)),
                fields=["settlement_recorded_at"],
                name="leg_settled",
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="leg",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="strategies.leg"),
        ),
        migrations.AddField(
            model_name="submission",
            name="strategy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="submissions", to="strategies.strategy"
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(fields=["created_at"], name="submission_age"),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.UniqueConstraint(fields=("strategy", "key"), name="submission_once"),
        ),
    ]
