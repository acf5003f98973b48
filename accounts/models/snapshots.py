"""Accounts day by day: a hypertable where TimescaleDB is, a plain table otherwise."""

from typing import ClassVar

from django.db import models

from accounts.models.trading import TradingAccount


class AccountSnapshot(models.Model):
    """An account at the end of a session, `time` being the date's midnight IST. Amounts in rupees.

    `unrealised` is null where an open position has no price, of which `unpriced` counts them; funds are null where the
    broker told none.
    """

    pk = models.CompositePrimaryKey("account", "time")
    account = models.ForeignKey(
        TradingAccount, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="snapshots"
    )
    time = models.DateTimeField()
    realised = models.DecimalField(max_digits=24, decimal_places=2, help_text="of the day")
    unrealised = models.DecimalField(max_digits=24, decimal_places=2, null=True)
    open_positions = models.IntegerField()
    unpriced = models.IntegerField()
    orders = models.IntegerField(help_text="of the day")
    holdings_cost = models.DecimalField(max_digits=24, decimal_places=2)
    cash = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    used_margin = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    available = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    taken_at = models.DateTimeField()

    class Meta:
        """Found by account and time, the key."""

        db_table = "account_snapshot"
        ordering: ClassVar = ["-time"]

    def __str__(self) -> str:
        return f"{self.account_id} {self.time}"
