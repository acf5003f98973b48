"""TEMP"""

from accounts.principal import Principal, Refused

MARK = "tvk_"


class _K:
    def of(self, text: str) -> Principal:
        raise Refused("the API key is not valid")

    held = of


keys = _K()


def live_prefixes(prefixes: set[str]) -> set[str]:
    return set()
