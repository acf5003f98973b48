"""Trading accounts: the owner writes, those it is shared with read, nobody else sees it."""

from typing import ClassVar

from django.db import models

from accounts.models.users import User


class TradingAccount(models.Model):
    """An account with a broker."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="trading_accounts")
    name = models.CharField(max_length=100)
    broker = models.CharField(max_length=32)
    client_code = models.CharField(max_length=64, blank=True, help_text="what the broker calls the account")
    feed_code = models.CharField(
        max_length=64,
        null=True,
        blank=True,
        unique=True,
        help_text="what the ticker's order stream calls the account; given by staff alone",
    )
    is_active = models.BooleanField(default=True)
    credentials = models.TextField(blank=True, editable=False)  # encrypted: accounts.encryption
    postback_secret = models.TextField(blank=True, editable=False)  # encrypted
    created_at = models.DateTimeField(auto_now_add=True)
    shared_with: "models.ManyToManyField[User, AccountShare]" = models.ManyToManyField(
        User, through="AccountShare", related_name="shared_accounts"
    )

    class Meta:
        """By name within an owner."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "name"], name="trading_account_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.broker})"


class AccountShare(models.Model):
    """Somebody who may read an account, and the strategies on it."""

    account = models.ForeignKey(TradingAccount, on_delete=models.CASCADE, related_name="shares")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="account_shares")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Once for each."""

        ordering: ClassVar = ["user__username"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "user"], name="account_share_once")]

    def __str__(self) -> str:
        return f"{self.account_id} for {self.user_id}"
