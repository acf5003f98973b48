"""What accounts hold: positions by day, holdings, funds. Amounts in rupees."""

from typing import ClassVar

from django.db import models

from accounts.models.trading import TradingAccount


class Position(models.Model):
    """A day of one contract: what was carried into it, and the sums of what was bought and sold.

    `overnight_cost` is what was paid for the overnight quantity, negative where it was received. `overnight_given`: the
    broker said so; otherwise it follows from the days before.
    """

    account = models.ForeignKey(TradingAccount, on_delete=models.CASCADE, related_name="positions", db_index=False)
    date = models.DateField()
    token = models.BigIntegerField()
    product = models.CharField(max_length=64)
    exchange = models.CharField(max_length=64)
    tradingsymbol = models.CharField(max_length=64)
    overnight_quantity = models.BigIntegerField(default=0, help_text="units, negative for short")
    overnight_cost = models.DecimalField(max_digits=24, decimal_places=4, default=0)
    overnight_given = models.BooleanField(default=False)
    bought = models.BigIntegerField(default=0, help_text="units")
    bought_value = models.DecimalField(max_digits=24, decimal_places=4, default=0)
    sold = models.BigIntegerField(default=0, help_text="units")
    sold_value = models.DecimalField(max_digits=24, decimal_places=4, default=0)

    class Meta:
        """One of a contract and product a day."""

        ordering: ClassVar = ["-date", "tradingsymbol"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "token", "product", "date"], name="position_day")
        ]

    def __str__(self) -> str:
        return f"{self.tradingsymbol} {self.date}"


class Holding(models.Model):
    """A share or bond that is held for longer."""

    account = models.ForeignKey(TradingAccount, on_delete=models.CASCADE, related_name="holdings", db_index=False)
    exchange = models.CharField(max_length=64)
    tradingsymbol = models.CharField(max_length=64)
    token = models.BigIntegerField(null=True)
    quantity = models.BigIntegerField(help_text="units")
    average_price = models.DecimalField(max_digits=16, decimal_places=4)
    as_of = models.DateTimeField(auto_now=True)

    class Meta:
        """One of each."""

        ordering: ClassVar = ["tradingsymbol", "exchange"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "exchange", "tradingsymbol"], name="holding_once")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.tradingsymbol}"


class Funds(models.Model):
    """What the account has to trade with."""

    account = models.OneToOneField(TradingAccount, on_delete=models.CASCADE, primary_key=True, related_name="funds")
    cash = models.DecimalField(max_digits=20, decimal_places=2)
    collateral = models.DecimalField(max_digits=20, decimal_places=2)
    used_margin = models.DecimalField(max_digits=20, decimal_places=2)
    available = models.DecimalField(max_digits=20, decimal_places=2)
    as_of = models.DateTimeField(auto_now=True)

    class Meta:
        """One of an account."""

        verbose_name_plural = "funds"

    def __str__(self) -> str:
        return f"funds of {self.account_id}"
