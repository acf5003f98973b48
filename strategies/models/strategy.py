"""A strategy, its legs, and all that happened to them. Money is exact: prices in rupees with 4 decimals."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from accounts.models import TradingAccount
from fo_analytics.models import Instrument
from strategies.domain import legs
from strategies.domain.m2m import Valuation


class Strategy(models.Model):
    """Legs that are valued together. Whoever may read its trading account may read it; the account's owner writes."""

    class Status(models.TextChoices):
        """Only an active strategy is marked to market by itself, has candles made and alerts looked at."""

        DRAFT = "draft"
        ACTIVE = "active"
        PAUSED = "paused"
        CLOSED = "closed"

    account = models.ForeignKey(TradingAccount, on_delete=models.CASCADE, related_name="strategies")
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    tags = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    valuation = models.CharField(
        max_length=4, choices=[(item.value, item.value) for item in Valuation], default=Valuation.LAST.value
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Candles from here on do not say what the legs say any more, and are to be made again.
    outdated_since = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        """Newest first."""

        verbose_name_plural = "strategies"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            GinIndex(fields=["tags"], name="strategy_tags"),
            models.Index(
                fields=["outdated_since"], condition=models.Q(outdated_since__isnull=False), name="strategy_outdated"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Leg(models.Model):
    """One contract bought or sold. `lot_size` is frozen at entry: the contract's may change."""

    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="legs")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    side = models.CharField(max_length=4, choices=[(side.value, side.value) for side in legs.Side])
    lot_size = models.PositiveIntegerField(help_text="units in a lot, as at entry")
    open_lots = models.PositiveIntegerField(editable=False, help_text="what of it is still open")
    settlement_price = models.DecimalField(max_digits=14, decimal_places=4, null=True, editable=False)
    settled_at = models.DateTimeField(null=True, editable=False)
    settlement_source = models.CharField(max_length=16, blank=True, editable=False)
    settlement_is_provisional = models.BooleanField(default=False, editable=False)
    settlement_close = models.DecimalField(
        max_digits=14, decimal_places=4, null=True, editable=False, help_text="of the underlying, settled by"
    )
    settlement_recorded_at = models.DateTimeField(null=True, editable=False)
    physical_delivery = models.BooleanField(default=False, editable=False)
    frozen_at = models.DateTimeField(null=True, editable=False)
    frozen_reason = models.CharField(max_length=200, blank=True, editable=False)
    frozen_price = models.DecimalField(max_digits=14, decimal_places=4, null=True, editable=False)
    # A person has dealt with changes of the contract up to this day: they freeze the leg no more.
    terms_accepted_until = models.DateField(null=True, editable=False)

    class Meta:
        """In the order in which they were added. What is open, and what was settled lately, is looked at all day."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["instrument"], condition=models.Q(open_lots__gt=0), name="leg_open"),
            models.Index(
                fields=["settlement_recorded_at"],
                condition=models.Q(settlement_recorded_at__isnull=False),
                name="leg_settled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.instrument_id}"


class Fill(models.Model):
    """Lots of a leg that were traded; the first entry opens the leg."""

    class Direction(models.TextChoices):
        """Whether the leg grew or shrank."""

        ENTRY = "entry"
        EXIT = "exit"

    leg = models.ForeignKey(Leg, on_delete=models.CASCADE, related_name="fills")
    direction = models.CharField(max_length=5, choices=Direction)
    lots = models.PositiveIntegerField()
    price = models.DecimalField(max_digits=14, decimal_places=4, help_text="rupees a unit")
    at = models.DateTimeField()

    class Meta:
        """In order of time, entries before exits."""

        ordering: ClassVar = ["at", "direction", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(lots__gt=0, price__gt=0), name="fill_is_of_something")
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.lots} at {self.price}"


class LegState(models.Model):
    """What a leg was for a time: a row of strategies.domain.positions.Positions, kept so that it is not built anew.

    `units` signed, `cash` in points (0.00001 rupees), valid for seconds in [since, until). Without an instrument: a
    frozen leg of which no price is known.
    """

    leg = models.ForeignKey(Leg, on_delete=models.CASCADE, related_name="states")
    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="+")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, null=True, related_name="+")
    units = models.BigIntegerField()
    cash = models.BigIntegerField()
    since = models.BigIntegerField(help_text="Unix seconds")
    until = models.BigIntegerField(help_text="Unix seconds, the last of all for what holds still")

    class Meta:
        """Read by strategy."""

        ordering: ClassVar = ["strategy", "leg", "since"]

    def __str__(self) -> str:
        return f"{self.units} of {self.instrument_id} since {self.since}"


class Submission(models.Model):
    """A change that a client named by a key of its own, so that asking for it again changes nothing."""

    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="submissions")
    key = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, help_text="of what was asked for")
    leg = models.ForeignKey(Leg, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        """Once for each; dropped by age."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="submission_age")]
        constraints: ClassVar = [models.UniqueConstraint(fields=["strategy", "key"], name="submission_once")]

    def __str__(self) -> str:
        return self.key
