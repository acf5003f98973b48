"""What strategies were worth, minute by minute: a hypertable where TimescaleDB is, a plain table otherwise."""

from typing import ClassVar

from django.db import models

from strategies.models.strategy import Strategy


class StrategyCandle(models.Model):
    """A minute of a strategy's own value, `time` being its open. Amounts are whole paise: exact, and quick to write.

    `seconds` counts the values that went in. Where only bars were kept, the close alone is known.
    """

    pk = models.CompositePrimaryKey("strategy", "time")
    strategy = models.ForeignKey(
        Strategy, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="candles"
    )
    time = models.DateTimeField()
    open = models.BigIntegerField(null=True, help_text="paise")
    high = models.BigIntegerField(null=True, help_text="paise")
    low = models.BigIntegerField(null=True, help_text="paise")
    close = models.BigIntegerField(help_text="paise")
    seconds = models.SmallIntegerField()
    partial = models.BooleanField(help_text="an open leg's price was older than what counts as fresh")
    from_bars = models.BooleanField()

    class Meta:
        """Found by strategy and time (the key); by time alone for retention."""

        db_table = "strategy_candle"
        indexes: ClassVar = [models.Index(fields=["time"], name="strategy_candle_time")]

    def __str__(self) -> str:
        return f"{self.strategy_id} {self.time}"
