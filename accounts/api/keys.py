"""A user's own API keys."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts import services
from accounts.api.descriptions import CREATED_KEY, KEYS, NEW_KEY, problems
from accounts.api.serializers import CreatedKeyShape, KeyShape, KeysShape, NewKey
from accounts.api.views import NOT_KEPT, pk_of
from accounts.api_keys import is_prefix
from accounts.models import ApiKey, User


class ApiKeyViewSet(GenericViewSet[ApiKey]):
    """Keys for programs. An access token is asked for: a key makes, lists and ends no keys."""

    queryset = ApiKey.objects.filter(revoked_at=None)
    serializer_class = KeyShape
    lookup_field = "prefix"
    lookup_value_converter = "str"

    @extend_schema(
        operation_id="auth_api_keys",
        summary="Your API keys",
        examples=[KEYS],
        responses={200: KeysShape, **problems(401, 403, 503)},
    )
    def list(self, request: Request) -> Response:
        """List your keys that are not revoked, newest first; expired ones are among them."""
        return Response({"keys": KeyShape(self._own(request), many=True).data})

    @extend_schema(
        operation_id="auth_api_keys_create",
        summary="Make an API key",
        request=NewKey,
        examples=[NEW_KEY, CREATED_KEY],
        responses={201: CreatedKeyShape, **problems(400, 401, 403, 503)},
    )
    def create(self, request: Request) -> Response:
        """Make a key. Its text is in this answer, and nowhere else ever again."""
        body = NewKey(data=request.data)
        body.is_valid(raise_exception=True)
        user = get_object_or_404(User, pk=pk_of(request))
        key, text = services.create_key(user=user, request=request, **body.validated_data)
        return Response({**KeyShape(key).data, "key": text}, status=201, headers=NOT_KEPT)

    @extend_schema(
        operation_id="auth_api_keys_delete",
        summary="Revoke an API key",
        responses={204: None, **problems(401, 403, 404, 503)},
    )
    def destroy(self, request: Request, prefix: str) -> Response:
        """Revoke a key; within two seconds it opens nothing."""
        if not is_prefix(prefix):
            raise NotFound
        services.revoke_key(key=get_object_or_404(self._own(request), prefix=prefix), request=request)
        return Response(status=204)

    def _own(self, request: Request) -> Any:
        return self.get_queryset().filter(user_id=pk_of(request)).select_related("user")
