"""What accounts store: users and their access; trading accounts and what brokers say of them."""

from accounts.models.orders import Order, OrderStatus
from accounts.models.positions import Funds, Holding, Position
from accounts.models.snapshots import AccountSnapshot
from accounts.models.trading import AccountShare, TradingAccount
from accounts.models.users import ApiKey, SecurityEvent, User, tiers

__all__ = [
    "AccountShare",
    "AccountSnapshot",
    "ApiKey",
    "Funds",
    "Holding",
    "Order",
    "OrderStatus",
    "Position",
    "SecurityEvent",
    "TradingAccount",
    "User",
    "tiers",
]
