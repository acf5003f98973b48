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
    """One tradable, or the spot of an underlying. `token` is what ticks carry.

    Lot and tick are those of today; those before a change are SupersededTerms. `valid_to` is the last day, inclusive.
    """

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
        indexes = (
            models.Index(
                fields=("underlying", "expiry", "valid_from"),
                condition=models.Q(kind__in=("CE", "PE")),
                name="instrument_listing",
            ),
        )

    def __str__(self) -> str:
        return self.tradingsymbol


class SupersededTerms(models.Model):
    """Lot and tick of a contract up to and including `valid_to`, since the row before this one (else its listing).

    Only what a change replaced is here, so that a change costs a row and the current terms exist once.
    """

    instrument = models.ForeignKey(
        Instrument, on_delete=models.CASCADE, related_name="superseded_terms", db_index=False
    )
    valid_to = models.DateField()
    lot_size = models.PositiveIntegerField(help_text="units in one lot")
    tick_size = models.DecimalField(max_digits=8, decimal_places=4, help_text="rupees")

    class Meta:
        """One change a day."""

        ordering = ("instrument", "valid_to")
        verbose_name_plural = "superseded terms"
        constraints = (models.UniqueConstraint(fields=("instrument", "valid_to"), name="superseded_terms_day"),)

    def __str__(self) -> str:
        return f"{self.instrument_id} to {self.valid_to}: {self.lot_size}"


class MasterImport(models.Model):
    """An import that changed the master. The newest row's key is the master's version: ingest reloads when it moves."""

    as_of = models.DateField(help_text="the day the list is of")
    markets = models.CharField(max_length=32, help_text="what it listed, as the broker calls it: BFO NFO")
    imported_at = models.DateTimeField(auto_now_add=True)
    added = models.PositiveIntegerField()
    changed = models.PositiveIntegerField()
    expired = models.PositiveIntegerField(help_text="contracts no longer listed, or whose token went to another")

    class Meta:
        """Newest first."""

        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.markets} as of {self.as_of}"


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
