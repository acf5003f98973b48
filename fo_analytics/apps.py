"""The F&O analytics app."""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as global_apps
from django.apps.registry import Apps
from django.db.models import Model
from django.db.models.signals import post_migrate


class FoAnalyticsConfig(AppConfig):
    """Registers the channels of the market and keeps the session table filled."""

    name = "fo_analytics"
    verbose_name = "F&O analytics"

    def ready(self) -> None:
        """Wire this app into streaming and into migrate."""
        from accounts import valuation
        from accounts.principal import MARKET
        from fo_analytics.channels import CHANNELS
        from fo_analytics.selectors.prices import StoredMarket
        from fo_analytics.silence import stale_markets
        from streaming import freshness, topics

        for channel, handler in CHANNELS.items():
            topics.register(channel, handler, scope=MARKET)
        freshness.register(stale_markets)
        valuation.register(StoredMarket())
        post_migrate.connect(_load_sessions, sender=self)


def _load_sessions(*, apps: Apps = global_apps, **kwargs: Any) -> None:
    """Fill the table, where the migrations that have run left one like ours (those to an earlier one do not)."""
    from fo_analytics.models import TradingSession
    from fo_analytics.services.sessions import load_known_sessions

    there = apps.all_models["fo_analytics"].get("tradingsession")
    if there is not None and _columns(there) == _columns(TradingSession):
        load_known_sessions()


def _columns(model: type[Model]) -> set[str]:
    return {field.name for field in model._meta.get_fields() if field.concrete}
