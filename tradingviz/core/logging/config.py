"""What Django's LOGGING is: every line of every logger as JSON on stdout, and into a file where one is named."""

from pathlib import Path
from typing import Any

ACCESS_LOGGER = "tradingviz.access"


def log_config(*, level: str, file: Path | None) -> dict[str, Any]:
    """Return a configuration for logging.config.dictConfig.

    uvicorn gives its loggers handlers of their own before it loads the application: naming them here takes these away.
    The gate writes the access log, so uvicorn's own and Daphne's (`-v 0`) are off.
    """
    handlers: dict[str, Any] = {
        "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}
    }
    if file is not None:
        shared = "tradingviz.core.logging.files.SharedRotatingFileHandler"
        handlers["file"] = {"class": shared, "filename": str(file), "formatter": "json"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "tradingviz.core.logging.JsonFormatter"}},
        "handlers": handlers,
        "root": {"handlers": list(handlers), "level": level},
        "loggers": {
            ACCESS_LOGGER: {"level": level},
            "django.server": {"level": "WARNING"},
            "daphne": {"level": "WARNING"},
            "uvicorn": {"level": level, "propagate": True},
            "uvicorn.error": {"level": level, "propagate": True},
            "uvicorn.access": {"level": "WARNING", "propagate": True},
            "uvicorn.asgi": {"level": "WARNING", "propagate": True},
        },
    }
