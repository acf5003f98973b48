"""What accounts store: users and their access; trading accounts and what brokers say of them."""

from accounts.models.trading import AccountShare, TradingAccount
from accounts.models.users import ApiKey, SecurityEvent, User, tiers

__all__ = ["AccountShare", "ApiKey", "SecurityEvent", "TradingAccount", "User", "tiers"]
