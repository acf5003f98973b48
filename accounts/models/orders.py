"""Orders of trading accounts, as the broker last said."""

from typing import ClassVar

from django.db import models

from accounts.models.trading import TradingAccount


class OrderStatus(models.TextChoices):
    """As accounts.domain.orders.Status."""

    OPEN = "OPEN"
    PARTIAL = "PARTIAL"
    COMPLETE = "COMPLETE"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


class Order(models.Model):
    """An order: quantities in units, prices in rupees a unit, times the exchange's.

    `token` is what ticks carry; an order may be of something that the master does not know.
    """

    account = models.ForeignKey(TradingAccount, on_delete=models.CASCADE, related_name="orders", db_index=False)
    order_id = models.CharField(max_length=64, help_text="the broker's; once in an account")
    token = models.BigIntegerField()
    exchange = models.CharField(max_length=64)
    tradingsymbol = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=[("BUY", "BUY"), ("SELL", "SELL")])
    order_type = models.CharField(max_length=64)
    product = models.CharField(max_length=64)
    quantity = models.BigIntegerField(help_text="units")
    price = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    filled = models.BigIntegerField(help_text="units")
    filled_at = models.DateTimeField(null=True)
    average_price = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    status = models.CharField(max_length=9, choices=OrderStatus)
    reason = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField(help_text="the exchange's stamp")
    received_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Newest first; found by account, by the day of their fills too."""

        ordering: ClassVar = ["-updated_at", "-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "order_id"], name="order_once")]
        indexes: ClassVar = [
            models.Index(fields=["account", "-updated_at", "-id"], name="order_newest"),
            models.Index(
                fields=["account", "token", "filled_at"], name="order_filled", condition=models.Q(filled__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.side} {self.quantity} {self.tradingsymbol}"
