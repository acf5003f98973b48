"""Trading accounts, what is in them, and whom they are shared with."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import account_to_change, account_to_read, readable_accounts
from accounts.api import trading_examples as examples
from accounts.api import trading_shapes as shapes
from accounts.api.trading_examples import problems
from accounts.api.views import NOT_KEPT, pk_of
from accounts.models import TradingAccount
from accounts.principal import ACCOUNTS
from accounts.selectors.orders import orders_of, rendered
from accounts.selectors.positions import positions_of
from accounts.services import trading as services
from accounts.times import day_of
from tradingviz.core.pagination import Cursor, page

READ, WRITE = problems(401, 403, 404, 503), problems(400, 401, 403, 404, 503)
PAGE = problems(400, 401, 403, 404, 503)


class ByKey(Cursor):
    """Accounts as they were made."""

    ordering = "id"


class Newest(Cursor):
    """Orders, the newest first."""

    ordering = ("-updated_at", "-id")


class Latest(Cursor):
    """Snapshots, the latest first."""

    ordering = "-time"


class AccountViewSet(GenericViewSet[TradingAccount]):
    """Trading accounts. Their owner writes, whom they are shared with reads; for others they do not exist."""

    queryset = TradingAccount.objects.all()
    serializer_class = shapes.AccountShape
    pagination_class = ByKey
    lookup_value_converter = "int"
    required_scope: str | None = ACCOUNTS
    metadata_class = None  # it would say of any id whether it may be changed

    def get_serializer_context(self) -> dict[str, Any]:
        """Return what the shape of an account asks: who wants to know."""
        return {**super().get_serializer_context(), "user_id": getattr(self.request.user, "pk", None)}

    @extend_schema(
        operation_id="accounts_list",
        summary="Your trading accounts",
        responses={**page(shapes.AccountShape), **problems(400, 401, 403, 503)},
    )
    def list(self, request: Request) -> Response:
        """List the accounts that you own and those that are shared with you."""
        found = readable_accounts(user_id=pk_of(request)).select_related("owner")
        return self._page(found, self.get_serializer)

    @extend_schema(
        operation_id="accounts_create",
        summary="Make a trading account",
        request=shapes.NewAccount,
        examples=[examples.NEW_ACCOUNT, examples.CREATED_ACCOUNT],
        responses={201: shapes.CreatedAccountShape, **problems(400, 401, 403, 503)},
    )
    def create(self, request: Request) -> Response:
        """Make an account. The secret of its postbacks is in this answer, and nowhere else ever again."""
        body = _valid(shapes.NewAccount, request)
        account, secret = services.create_account(owner_id=pk_of(request), **body)
        shown = {**self.get_serializer(account).data, "postback_secret": secret}
        return Response(shown, status=201, headers=NOT_KEPT)

    @extend_schema(
        operation_id="accounts_retrieve", summary="A trading account", responses={200: shapes.AccountShape, **READ}
    )
    def retrieve(self, request: Request, pk: int) -> Response:
        """Show an account."""
        return Response(self.get_serializer(self._readable(pk)).data)

    @extend_schema(
        operation_id="accounts_update",
        summary="Change a trading account",
        request=shapes.ChangedAccount,
        responses={200: shapes.AccountShape, **WRITE},
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change what the body names."""
        account = self._own(pk)
        body = _valid(shapes.ChangedAccount, request, partial=True)
        return Response(self.get_serializer(services.update_account(account=account, **body)).data)

    @extend_schema(operation_id="accounts_delete", summary="Delete a trading account", responses={204: None, **READ})
    def destroy(self, request: Request, pk: int) -> Response:
        """Delete an account with its orders, positions, snapshots and strategies."""
        services.delete_account(account=self._own(pk))
        return Response(status=204)

    @extend_schema(
        operation_id="accounts_orders",
        summary="Orders of an account",
        parameters=[shapes.OrdersQuery],
        responses={**page(shapes.OrderShape), **PAGE},
    )
    @action(detail=True, pagination_class=Newest)
    def orders(self, request: Request, pk: int) -> Response:
        """List orders, the one last changed first."""
        account = self._readable(pk)
        query = shapes.OrdersQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        found = orders_of(account_id=account.pk, day=asked.get("date"), status=asked.get("status"))
        return self._page(found, None)

    @extend_schema(
        operation_id="accounts_positions", summary="Positions now", responses={200: shapes.PositionsShape, **READ}
    )
    @action(detail=True)
    def positions(self, request: Request, pk: int) -> Response:
        """Show what is open and what was closed today (`net`), and today's fills alone (`day`)."""
        return self._positions(self._readable(pk))

    @extend_schema(
        operation_id="accounts_positions_replace",
        summary="Tell what was carried into today",
        request=shapes.CarriedPositions,
        examples=[examples.CARRIED],
        responses={200: shapes.PositionsShape, **WRITE},
    )
    @positions.mapping.put
    def replace_positions(self, request: Request, pk: int) -> Response:
        """Replace what was carried into today, as a broker's sync does; today's fills stay."""
        account = self._own(pk)
        body = _valid(shapes.CarriedPositions, request)
        carried = [services.Carried(**one) for one in body["positions"]]
        services.replace_carried(account=account, day=day_of(timezone.now()), carried=carried)
        return self._positions(account)

    @extend_schema(operation_id="accounts_holdings", summary="Holdings", responses={200: shapes.HoldingsShape, **READ})
    @action(detail=True)
    def holdings(self, request: Request, pk: int) -> Response:
        """Show the holdings that the broker told last."""
        return self._holdings(self._readable(pk))

    @extend_schema(
        operation_id="accounts_holdings_replace",
        summary="Tell the holdings",
        request=shapes.HoldingsShape,
        examples=[examples.HOLDINGS],
        responses={200: shapes.HoldingsShape, **WRITE},
    )
    @holdings.mapping.put
    def replace_holdings(self, request: Request, pk: int) -> Response:
        """Replace the holdings, as a broker's sync does."""
        account = self._own(pk)
        services.replace_holdings(account=account, **_valid(shapes.HoldingsShape, request))
        return self._holdings(account)

    @extend_schema(operation_id="accounts_funds", summary="Funds", responses={200: shapes.FundsShape, **READ})
    @action(detail=True)
    def funds(self, request: Request, pk: int) -> Response:
        """Show the funds that the broker told last."""
        held = getattr(self._readable(pk), "funds", None)
        unknown = dict.fromkeys(shapes.FundsShape().fields)
        return Response(shapes.FundsShape(held).data if held else unknown)

    @extend_schema(
        operation_id="accounts_funds_replace",
        summary="Tell the funds",
        request=shapes.FundsBody,
        examples=[examples.FUNDS],
        responses={200: shapes.FundsShape, **WRITE},
    )
    @funds.mapping.put
    def replace_funds(self, request: Request, pk: int) -> Response:
        """Replace the funds, as a broker's sync does."""
        account = self._own(pk)
        held = services.replace_funds(account=account, **_valid(shapes.FundsBody, request))
        return Response(shapes.FundsShape(held).data)

    @extend_schema(
        operation_id="accounts_snapshots",
        summary="An account day by day",
        responses={**page(shapes.AccountSnapshotShape), **PAGE},
    )
    @action(detail=True, pagination_class=Latest)
    def snapshots(self, request: Request, pk: int) -> Response:
        """List what the account was at the end of each session, the latest first."""
        found = self._readable(pk).snapshots.order_by("-time")
        return self._page(found, lambda rows, many: shapes.AccountSnapshotShape(rows, many=many))

    def _positions(self, account: TradingAccount) -> Response:
        return Response(shapes.PositionsShape(positions_of(account_id=account.pk)).data)

    def _holdings(self, account: TradingAccount) -> Response:
        return Response(shapes.HoldingsShape({"holdings": account.holdings.all()}).data)

    def _page(self, found: QuerySet[Any], serializer: Any) -> Response:
        """Return a page of rows; as `rendered` has them where there is no serializer."""
        rows = self.paginate_queryset(found) or []
        shown = [rendered(row) for row in rows] if serializer is None else serializer(rows, many=True).data
        return self.get_paginated_response(shown)

    def _readable(self, pk: int) -> TradingAccount:
        return account_to_read(user_id=pk_of(self.request), account_id=pk)

    def _own(self, pk: int) -> TradingAccount:
        return account_to_change(user_id=pk_of(self.request), account_id=pk)


class AccessViewSet(GenericViewSet[TradingAccount]):
    """Who may read a trading account, and who may tell us of its orders: for its owner, with an access token alone."""

    queryset = TradingAccount.objects.all()
    serializer_class = shapes.AccountShape
    pagination_class = None
    lookup_value_converter = "int"
    metadata_class = None

    @extend_schema(
        operation_id="accounts_shares", summary="Who may read an account", responses={200: shapes.SharesShape, **READ}
    )
    @action(detail=True)
    def shares(self, request: Request, pk: int) -> Response:
        """List those whom you let read the account and the strategies on it."""
        shares = self._own(pk).shares.select_related("user")
        return Response({"shares": shapes.ShareShape(shares, many=True).data})

    @extend_schema(
        operation_id="accounts_shares_create",
        summary="Let somebody read an account",
        request=shapes.NewShare,
        examples=[examples.SHARE],
        responses={200: shapes.ShareShape, **WRITE},
    )
    @shares.mapping.post
    def add_share(self, request: Request, pk: int) -> Response:
        """Let a user read the account and the strategies on it; safe to repeat."""
        account = self._own(pk)
        share = services.share(account=account, **_valid(shapes.NewShare, request))
        return Response(shapes.ShareShape(share).data)

    @extend_schema(operation_id="accounts_shares_delete", summary="Take a share back", responses={204: None, **READ})
    @action(detail=True, methods=["delete"], url_path="shares/<str:username>")
    def remove_share(self, request: Request, pk: int, username: str) -> Response:
        """Let somebody read no longer; within five seconds their sockets hear nothing more of it."""
        if "\x00" in username or not services.unshare(account=self._own(pk), username=username):
            raise Http404
        return Response(status=204)

    @extend_schema(
        operation_id="accounts_postback_secret",
        summary="A new secret for postbacks",
        request=None,
        examples=[examples.SECRET],
        responses={201: shapes.SecretShape, **READ},
    )
    @action(detail=True, methods=["post"], url_path="postback-secret")
    def postback_secret(self, request: Request, pk: int) -> Response:
        """Make a new secret; the old one signs nothing any more."""
        secret = services.renew_secret(account=self._own(pk))
        return Response({"postback_secret": secret}, status=201, headers=NOT_KEPT)

    def _own(self, pk: int) -> TradingAccount:
        return account_to_change(user_id=pk_of(self.request), account_id=pk)


def _valid(shape: type[Any], request: Request, *, partial: bool = False) -> dict[str, Any]:
    """Return a body's values. Raises ValidationError."""
    body = shape(data=request.data, partial=partial)
    body.is_valid(raise_exception=True)
    values: dict[str, Any] = body.validated_data
    return values
