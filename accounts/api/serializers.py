"""What the endpoints of access take, and what they answer."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer

from accounts import audit
from accounts.audit import Kind
from accounts.models import ApiKey
from accounts.principal import SCOPES
from accounts.tokens import RefreshToken
from tradingviz.core.bodies import ChoiceField, TextField


class TokenSerializer(TokenObtainPairSerializer):
    """A user name and a password, which may begin or end with a space."""

    token_class = RefreshToken

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        password: Any = self.fields["password"]
        password.trim_whitespace = False

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """Return a pair, and record who got it."""
        pair = super().validate(attrs)
        audit.record(Kind.SIGNED_IN, request=self.context.get("request"), user=self.user)
        return pair


class PairShape(serializers.Serializer[Any]):
    """A pair of tokens."""

    access = serializers.CharField(help_text="opens the API for ten minutes")
    refresh = serializers.CharField(help_text="exchanged for a new pair within a day, once")


class RefreshBody(serializers.Serializer[Any]):
    """A refresh token."""

    refresh = serializers.CharField(write_only=True)


class NewKey(serializers.Serializer[Any]):
    """An API key to be made."""

    name = TextField(max_length=100, help_text="what it is for")
    scopes = serializers.ListField(
        child=ChoiceField(choices=SCOPES), allow_empty=False, help_text="what it may be used for"
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="null: it does not expire"
    )


class KeyShape(serializers.ModelSerializer[ApiKey]):
    """An API key, without its secret."""

    scopes = serializers.ListField(child=ChoiceField(choices=SCOPES))

    class Meta:
        """What is told of a key."""

        model = ApiKey
        fields = ("prefix", "name", "scopes", "created_at", "expires_at", "last_used_at")


class CreatedKeyShape(KeyShape):
    """A new API key with its text."""

    key = serializers.CharField(help_text="the key itself; it is shown this once")

    class Meta(KeyShape.Meta):
        """The same and the text."""

        fields = (*KeyShape.Meta.fields, "key")  # type: ignore[assignment]  # one more of the same


@extend_schema_serializer(many=False)  # what lists is described as a list where nothing else is said
class KeysShape(serializers.Serializer[Any]):
    """A user's API keys, newest first."""

    keys = KeyShape(many=True)


class TicketShape(serializers.Serializer[Any]):
    """What opens one WebSocket."""

    ticket = serializers.CharField(help_text="for `?ticket=`")
    seconds = serializers.IntegerField(help_text="how long it is good")
