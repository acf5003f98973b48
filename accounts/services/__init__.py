"""What changes something: access here for all, trading accounts and their orders in modules of their own."""

from accounts.services.access import Pair, check_new_key, create_key, end_refresh_token, log_out, renew, revoke_key

__all__ = ["Pair", "check_new_key", "create_key", "end_refresh_token", "log_out", "renew", "revoke_key"]
