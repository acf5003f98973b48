"""What can go wrong, by who must act."""


class ClientError(Exception):
    """Any of the below."""


class Unauthenticated(ClientError):
    """The credentials are not valid, and there are no newer ones: bring others."""


class Forbidden(ClientError):
    """The server does not want this client; coming again changes nothing."""


class Rejected(ClientError):
    """The server could not read what this client sent: one of them is too old for the other."""


class RequestRefused(ClientError):
    """A request was not carried out; `code` is one of docs/protocol.md, or `already_subscribed`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class ConnectionLost(ClientError):
    """The socket closed before the answer came. The client is on its way back: ask again."""


class Unavailable(ClientError):
    """Somebody cannot answer now. A token provider raises it to be asked again, after `retry_after` seconds or more."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
