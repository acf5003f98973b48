"""Token endpoints: simplejwt's views with a guessing limit in front."""

from django.utils.decorators import method_decorator
from django_ratelimit.decorators import ratelimit
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from accounts.api.serializers import RefreshSerializer, TokenSerializer

GUESSES = "10/m"


@method_decorator(ratelimit(key="ip", rate=GUESSES, group="token"), name="post")
class TokenView(TokenObtainPairView):
    """Exchange a user name and password for an access token (10 minutes) and a refresh token."""

    serializer_class = TokenSerializer


@method_decorator(ratelimit(key="ip", rate=GUESSES, group="refresh"), name="post")
class RefreshView(TokenRefreshView):
    """Exchange a refresh token for a new pair; the old one is blacklisted."""

    serializer_class = RefreshSerializer
