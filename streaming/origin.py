"""From which web pages a browser may open a socket."""

from typing import Any

from channels.security.websocket import OriginValidator
from django.conf import settings


class BrowserOriginValidator(OriginValidator):
    """Refuses pages of other sites; a program, which sends no Origin, may come in.

    Channels' own validator takes the absence of an Origin for a wrong one. That protects nobody: a program
    can send any Origin, and the credentials are in the request and not in a cookie.
    """

    def valid_origin(self, parsed_origin: Any) -> bool:
        """Return whether a socket of this origin may be opened; None stands for none."""
        return parsed_origin is None or bool(self.validate_origin(parsed_origin))


def allowed_hosts_only(application: Any) -> BrowserOriginValidator:
    """Let only pages of ALLOWED_HOSTS open sockets; without any and with DEBUG, those of localhost."""
    hosts = settings.ALLOWED_HOSTS or (["localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    return BrowserOriginValidator(application, hosts)
