"""simplejwt's serializers, with two of their corners rounded off."""

from typing import Any

from rest_framework import serializers
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer, TokenRefreshSerializer

from accounts.models import User
from tradingviz.core.shapes import Shape


class TokenSerializer(TokenObtainPairSerializer):
    """A user name and a password, which may begin or end with a space."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        password: Any = self.fields["password"]
        password.trim_whitespace = False


class RefreshSerializer(TokenRefreshSerializer):
    """A refresh token, whose user may have been deleted."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """Return the new pair."""
        try:
            return super().validate(attrs)
        except User.DoesNotExist as error:
            raise AuthenticationFailed(str(self.error_messages["no_active_account"])) from error


class TicketShape(Shape):
    """What opens one WebSocket."""

    ticket = serializers.CharField(help_text="for `?ticket=`")
    seconds = serializers.IntegerField(help_text="how long it is good")
