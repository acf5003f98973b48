"""What staff see: users and their access, trading accounts and what is in them."""

from accounts.admin import access, trading

__all__ = ["access", "trading"]
