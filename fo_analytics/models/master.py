"""Underlyings and their contracts. Lot, tick, strike and expiry are facts per contract, never computed."""

from django.db import models


class Underlying(models.Model):
    """What contracts are written on: an index or a stock, under one canonical symbol."""

    symbol = models.CharField(max_length=32, unique=True)
    exchange = models.CharField(max_length=8, help_text="whose sessions it follows: NSE, BSE")
    is_index = models.BooleanField(default=True)

    class Meta:
        """Sorted as people look them up."""

        ordering = ("symbol",)

    def __str__(self) -> str:
        return self.symbol


class InstrumentKind(models.TextChoices):
    """What is traded; SPOT is the underlying itself (index value or cash price)."""

    SPOT = "SPOT"
    FUTURE = "FUT"
    CALL = "CE"
    PUT = "PE"


class Instrument(models.Model):
    """One tradable, or the spot of an underlying. `token` is what ticks carry."""

    token = models.BigIntegerField(unique=True)
    underlying = models.ForeignKey(Underlying, on_delete=models.PROTECT, related_name="instruments")
    kind = models.CharField(max_length=4, choices=InstrumentKind)
    tradingsymbol = models.CharField(max_length=64)
    expiry = models.DateField(null=True, blank=True)
    strike = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    lot_size = models.PositiveIntegerField(default=1, help_text="units in one lot")
    tick_size = models.DecimalField(max_digits=8, decimal_places=4, default="0.05", help_text="rupees")
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        """One contract of a kind, expiry and strike per underlying."""

        ordering = ("underlying", "expiry", "strike", "kind")
        constraints = (
            models.UniqueConstraint(
                fields=("underlying", "kind", "expiry", "strike"),
                name="instrument_contract",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=("SPOT",), expiry=None, strike=None)
                | models.Q(kind="FUT", expiry__isnull=False, strike=None)
                | models.Q(kind__in=("CE", "PE"), expiry__isnull=False, strike__gt=0),
                name="instrument_shape",
            ),
            models.CheckConstraint(condition=models.Q(lot_size__gt=0, tick_size__gt=0), name="instrument_units"),
        )

    def __str__(self) -> str:
        return self.tradingsymbol


class OfficialClose(models.Model):
    """The exchange's closing value of an underlying, which comes after the session and settles contracts."""

    underlying = models.ForeignKey(Underlying, on_delete=models.CASCADE, related_name="official_closes")
    date = models.DateField()
    price = models.FloatField(help_text="rupees")
    observed_at = models.DateTimeField()

    class Meta:
        """One per day."""

        ordering = ("-date",)
        constraints = (models.UniqueConstraint(fields=("underlying", "date"), name="official_close_day"),)

    def __str__(self) -> str:
        return f"{self.underlying} {self.date}"
