"""Time series: hypertables where TimescaleDB is, plain tables otherwise. Written by COPY, never by the ORM."""

from django.db import models

from fo_analytics.models.master import Instrument, Underlying


class BarValues(models.Model):
    """What a bar of any length says of its instrument. Null means: not known.

    Prices are rupees, volume and open interest units, theta is per calendar day, vega per volatility point, rho per
    1 %, iv a fraction. IV and Greeks hold at a minute's close.
    """

    open = models.FloatField(null=True)
    high = models.FloatField(null=True)
    low = models.FloatField(null=True)
    close = models.FloatField(null=True)
    volume = models.BigIntegerField(null=True, help_text="units traded since the previous bar of the session")
    oi = models.BigIntegerField(null=True, help_text="open interest, the last seen")
    bid = models.FloatField(null=True)
    ask = models.FloatField(null=True)
    forward = models.FloatField(null=True)
    iv = models.FloatField(null=True)
    delta = models.FloatField(null=True)
    gamma = models.FloatField(null=True)
    theta = models.FloatField(null=True)
    vega = models.FloatField(null=True)
    rho = models.FloatField(null=True)
    iv_reason = models.SmallIntegerField(default=0, help_text="why iv is null (domain.pricing.Reason)")
    flags = models.SmallIntegerField(default=0, help_text="domain.bars.Flag")
    first_at = models.DateTimeField(null=True, help_text="stamp of the first priced tick")
    last_at = models.DateTimeField(null=True, help_text="stamp of the last priced tick")

    class Meta:
        """Columns only."""

        abstract = True


class Bar(BarValues):
    """A minute of one instrument, `time` being its open.

    The columns added here are what a minute needs to be continued after a restart and to show ages. The volumes order
    ticks of one stamp.
    """

    pk = models.CompositePrimaryKey("instrument", "time")
    instrument = models.ForeignKey(
        Instrument, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="bars"
    )
    time = models.DateTimeField()
    cumulative_volume = models.BigIntegerField(null=True, help_text="the day's volume at the close")
    oi_at = models.DateTimeField(null=True)
    bid_qty = models.BigIntegerField(null=True)
    ask_qty = models.BigIntegerField(null=True)
    quote_at = models.DateTimeField(null=True)
    first_volume = models.BigIntegerField(null=True, help_text="the day's volume at the first price; 0: not said")
    last_volume = models.BigIntegerField(null=True, help_text="the day's volume at the last price; 0: not said")
    quote_volume = models.BigIntegerField(null=True, help_text="the day's volume at the quote; 0: not said")

    class Meta:
        """Found by instrument and time (the key); by time alone for retention."""

        db_table = "bar"
        indexes = (models.Index(fields=("time",), name="bar_time"),)

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.time}"


class BarRollup(BarValues):
    """Several minutes of one instrument, `time` being their bucket's open; made by queries/roll_up.sql alone."""

    pk = models.CompositePrimaryKey("instrument", "timeframe", "time")
    instrument = models.ForeignKey(
        Instrument, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="rollups"
    )
    timeframe = models.CharField(max_length=3, help_text="one of domain.timeframes.ROLLUP_MINUTES")
    time = models.DateTimeField()

    class Meta:
        """Found by instrument, timeframe and time (the key); by timeframe and time for rolling up and retention."""

        db_table = "bar_rollup"
        indexes = (models.Index(fields=("timeframe", "time"), name="bar_rollup_time"),)

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.timeframe} {self.time}"


class RollupDue(models.Model):
    """A mark: minutes of this underlying and date, from `since` on, changed and are not rolled up yet.

    Set in the transaction that writes the minutes, taken away in the one that rolls them up. A day may have several.
    """

    underlying = models.ForeignKey(Underlying, on_delete=models.CASCADE, related_name="+", db_index=False)
    date = models.DateField()
    since = models.DateTimeField()

    class Meta:
        """Few rows, looked for by day. Not unique: a writer must never wait for the one who takes a mark away."""

        db_table = "rollup_due"
        indexes = (models.Index(fields=("underlying", "date"), name="rollup_due_day"),)

    def __str__(self) -> str:
        return f"{self.underlying_id} {self.date} since {self.since}"


class ChainMetric(models.Model):
    """A minute of one underlying and expiry: sums and measures over all strikes, at the minute's close."""

    pk = models.CompositePrimaryKey("underlying", "expiry", "time")
    underlying = models.ForeignKey(
        Underlying,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="chain_metrics",
    )
    expiry = models.DateField()
    time = models.DateTimeField()
    spot = models.FloatField(null=True)
    forward = models.FloatField(null=True)
    forward_source = models.CharField(max_length=8)
    atm_strike = models.FloatField(null=True)
    atm_iv = models.FloatField(null=True)
    straddle = models.FloatField(null=True)
    call_oi = models.BigIntegerField(null=True)
    put_oi = models.BigIntegerField(null=True)
    call_volume = models.BigIntegerField(null=True)
    put_volume = models.BigIntegerField(null=True)
    pcr_oi = models.FloatField(null=True)
    pcr_volume = models.FloatField(null=True)
    max_pain = models.FloatField(null=True)

    class Meta:
        """As for bars."""

        db_table = "chain_metric"
        indexes = (models.Index(fields=("time",), name="chain_metric_time"),)

    def __str__(self) -> str:
        return f"{self.underlying_id} {self.expiry} {self.time}"


class BarCoverage(models.Model):
    """How much of a session is there, per underlying: what staff look at to find holes."""

    underlying = models.ForeignKey(Underlying, on_delete=models.CASCADE, related_name="coverage")
    date = models.DateField()
    instruments = models.PositiveIntegerField(help_text="instruments with at least one bar")
    bars = models.PositiveIntegerField()
    minutes = models.PositiveIntegerField(help_text="minutes with at least one bar")
    expected_minutes = models.PositiveIntegerField(help_text="minutes of the session")
    first_bar = models.DateTimeField()
    last_bar = models.DateTimeField()

    class Meta:
        """One row a day; newest first."""

        verbose_name_plural = "bar coverage"
        ordering = ("-date", "underlying")
        constraints = (models.UniqueConstraint(fields=("underlying", "date"), name="coverage_day"),)

    def __str__(self) -> str:
        return f"{self.underlying} {self.date}"
