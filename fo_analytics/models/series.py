"""Time series: hypertables where TimescaleDB is, plain tables otherwise. Written by COPY, never by the ORM."""

from django.db import models

from fo_analytics.models.master import Instrument, Underlying


class Bar(models.Model):
    """A minute of one instrument, `time` being its open. Null means: not known.

    Prices are rupees, volume and open interest units, theta is per calendar day, vega per volatility point, rho per
    1 %, iv a fraction. IV and Greeks hold at the minute's close. The columns from `first_at` on are what a minute needs
    to be continued after a restart and to show ages.
    """

    pk = models.CompositePrimaryKey("instrument", "time")
    instrument = models.ForeignKey(
        Instrument, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="bars"
    )
    time = models.DateTimeField()
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
    cumulative_volume = models.BigIntegerField(null=True, help_text="the day's volume at the close")
    oi_at = models.DateTimeField(null=True)
    bid_qty = models.BigIntegerField(null=True)
    ask_qty = models.BigIntegerField(null=True)
    quote_at = models.DateTimeField(null=True)

    class Meta:
        """Found by instrument and time (the key); by time alone for retention."""

        db_table = "bar"
        indexes = (models.Index(fields=("time",), name="bar_time"),)

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.time}"


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
