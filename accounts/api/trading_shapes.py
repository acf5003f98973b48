"""What the endpoints of trading accounts take, and what they answer."""

from typing import Any

from rest_framework import serializers

from accounts.domain.orders import MOST_UNITS
from accounts.models import AccountShare, AccountSnapshot, OrderStatus, TradingAccount
from tradingviz.core.bodies import Body, ChoiceField, MoneyField, PriceField, ShownMoney, TextField, WholeField

MOST_ROWS = 2_000
SIDES = ("BUY", "SELL")


class Credentials(serializers.DictField):
    """What the broker gave for its API: names and values."""

    child = TextField(max_length=2_000, allow_blank=False)

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "of the broker's API; kept encrypted, never shown again; {} removes them")
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """Return them. Raises ValidationError for too many."""
        if isinstance(data, dict) and len(data) > 20:
            raise serializers.ValidationError("at most 20")
        return super().to_internal_value(data)


class NewAccount(Body):
    """A trading account to be made."""

    name = TextField(max_length=100, help_text="yours alone")
    broker = TextField(max_length=32)
    client_code = TextField(max_length=64, required=False, allow_blank=True, help_text="what the broker calls it")
    credentials = Credentials(required=False)


class ChangedAccount(NewAccount):
    """What is to be different of a trading account."""

    is_active = serializers.BooleanField(required=False, help_text="false: no order updates are taken")


class AccountShape(serializers.ModelSerializer[TradingAccount]):
    """A trading account."""

    owner = serializers.CharField(source="owner.username")
    is_yours = serializers.SerializerMethodField(help_text="false: it is shared with you, to read")
    has_credentials = serializers.SerializerMethodField()

    class Meta:
        """Without its secrets."""

        model = TradingAccount
        fields = (
            "id", "name", "broker", "client_code", "owner", "is_yours", "is_active", "has_credentials", "created_at",
        )  # fmt: skip

    def get_is_yours(self, account: TradingAccount) -> bool:
        """Return whether who asks owns it."""
        return bool(account.owner_id == self.context["user_id"])

    def get_has_credentials(self, account: TradingAccount) -> bool:
        """Return whether credentials are kept."""
        return bool(account.credentials)


class SecretShape(serializers.Serializer[Any]):
    """What signs postbacks."""

    postback_secret = serializers.CharField(help_text="signs postbacks; it is shown this once")


class CreatedAccountShape(AccountShape):
    """A new trading account."""

    postback_secret = serializers.CharField(help_text="signs postbacks; it is shown this once")

    class Meta(AccountShape.Meta):
        """The same and the secret."""

        fields = (*AccountShape.Meta.fields, "postback_secret")  # type: ignore[assignment]  # one more of the same


class OrderShape(serializers.Serializer[Any]):
    """An order as the broker last said; quantities in units, prices in rupees."""

    order_id = serializers.CharField()
    token = serializers.IntegerField(help_text="what ticks carry")
    exchange = serializers.CharField()
    tradingsymbol = serializers.CharField()
    side = ChoiceField(choices=SIDES)
    order_type = serializers.CharField()
    product = serializers.CharField()
    quantity = serializers.IntegerField()
    price = serializers.CharField(allow_null=True, help_text="null: at market")
    filled = serializers.IntegerField()
    average_price = serializers.CharField(allow_null=True, help_text="of what is filled")
    status = ChoiceField(choices=OrderStatus.values)
    reason = serializers.CharField(allow_null=True)
    updated_at = serializers.DateTimeField(help_text="the exchange's stamp")
    filled_at = serializers.DateTimeField(allow_null=True, help_text="the stamp of the newest fill")


class OrdersQuery(serializers.Serializer[Any]):
    """Which orders."""

    date = serializers.DateField(required=False, help_text="those last changed on a day of the exchange")
    status = ChoiceField(choices=OrderStatus.values, required=False)


class PostbackBody(serializers.Serializer[Any]):
    """An order update, as on the order stream but for `account`, which the path names."""

    order_id = serializers.CharField(max_length=64)
    status = ChoiceField(choices=OrderStatus.values)
    ts = serializers.IntegerField(help_text="the exchange's stamp, ms since the Unix epoch")
    token = serializers.IntegerField(help_text="what ticks carry")
    exchange = serializers.CharField(max_length=64)
    tradingsymbol = serializers.CharField(max_length=64)
    side = ChoiceField(choices=SIDES)
    order_type = serializers.CharField(max_length=64)
    product = serializers.CharField(max_length=64)
    quantity = serializers.IntegerField(min_value=1, max_value=MOST_UNITS, help_text="units")
    filled = serializers.IntegerField(required=False, min_value=0, max_value=MOST_UNITS, help_text="units")
    price = serializers.FloatField(required=False, allow_null=True, help_text="rupees; a number or a text")
    average_price = serializers.FloatField(required=False, allow_null=True, help_text="of what is filled")
    reason = serializers.CharField(required=False, allow_null=True, max_length=200)


class LineShape(serializers.Serializer[Any]):
    """A position; quantities in units, negative for short, amounts in rupees."""

    token = serializers.IntegerField(help_text="what ticks carry")
    exchange = serializers.CharField()
    tradingsymbol = serializers.CharField()
    product = serializers.CharField()
    quantity = serializers.IntegerField(source="open.quantity")
    average_price = PriceField(source="open.average_price", allow_null=True, read_only=True)
    bought = serializers.IntegerField(source="trades.bought", help_text="units, that day")
    bought_value = ShownMoney(source="trades.bought_value")
    sold = serializers.IntegerField(source="trades.sold", help_text="units, that day")
    sold_value = ShownMoney(source="trades.sold_value")
    realised = ShownMoney(help_text="that day")
    unrealised = ShownMoney(allow_null=True, help_text="null: no last price is known")
    last_price = PriceField(source="quote.last", allow_null=True, read_only=True, default=None)
    last_price_ts = serializers.IntegerField(
        source="quote.ts", allow_null=True, read_only=True, default=None, help_text="ms since the Unix epoch"
    )


class PositionsShape(serializers.Serializer[Any]):
    """Positions of a date: `net` is all that is open or was closed that day, `day` its fills alone."""

    date = serializers.DateField()
    net = LineShape(many=True)
    day = LineShape(many=True)


class CarriedBody(Body):
    """What was carried into the day."""

    token = WholeField(min_value=1, max_value=2**53)
    exchange = TextField(max_length=64)
    tradingsymbol = TextField(max_length=64)
    product = TextField(max_length=64)
    quantity = WholeField(min_value=-MOST_UNITS, max_value=MOST_UNITS, help_text="units, negative for short")
    average_price = PriceField(help_text="rupees a unit")


class CarriedPositions(Body):
    """All that was carried into today; of anything else nothing was."""

    positions = serializers.ListField(child=CarriedBody(), max_length=MOST_ROWS)


class HoldingShape(Body):
    """A share or bond that is held."""

    exchange = TextField(max_length=64)
    tradingsymbol = TextField(max_length=64)
    token = WholeField(min_value=1, max_value=2**53, allow_null=True, required=False, default=None)
    quantity = WholeField(min_value=0, max_value=MOST_UNITS, help_text="units")
    average_price = PriceField(help_text="rupees a unit")


class HoldingsShape(Body):
    """All holdings of an account."""

    holdings = serializers.ListField(child=HoldingShape(), max_length=MOST_ROWS)


class FundsBody(Body):
    """Funds, in rupees."""

    cash = MoneyField()
    collateral = MoneyField()
    used_margin = MoneyField()
    available = MoneyField()


class FundsShape(serializers.Serializer[Any]):
    """Funds, in rupees; null where the broker told none."""

    cash = MoneyField(allow_null=True)
    collateral = MoneyField(allow_null=True)
    used_margin = MoneyField(allow_null=True)
    available = MoneyField(allow_null=True)
    as_of = serializers.DateTimeField(allow_null=True, help_text="when they were told")


class AccountSnapshotShape(serializers.ModelSerializer[AccountSnapshot]):
    """An account at the end of a session; amounts in rupees."""

    date = serializers.DateTimeField(source="time", format="%Y-%m-%d")

    class Meta:
        """All of it."""

        model = AccountSnapshot
        fields = (
            "date", "realised", "unrealised", "open_positions", "unpriced", "orders", "holdings_cost", "cash",
            "used_margin", "available", "taken_at",
        )  # fmt: skip


class ShareShape(serializers.ModelSerializer[AccountShare]):
    """Somebody who may read an account."""

    username = serializers.CharField(source="user.username")

    class Meta:
        """Who, and since when."""

        model = AccountShare
        fields = ("username", "created_at")


class SharesShape(serializers.Serializer[Any]):
    """All who may read an account, besides its owner."""

    shares = ShareShape(many=True)


class NewShare(Body):
    """Who is to read an account."""

    username = TextField(max_length=150)
