"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers how a socket is authenticated."""

    name = "accounts"

    def ready(self) -> None:
        """Lend streaming the authentication of this app; streaming knows no accounts."""
        from accounts import tokens
        from streaming import authentication

        authentication.register(tokens.authenticate_scope)
