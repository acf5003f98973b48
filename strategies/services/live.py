"""What follows from what strategies are worth now: frames for those somebody watches, and alerts that fire."""

import logging
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache

import redis

from fo_analytics.domain.calendar import from_ms, to_ms
from fo_analytics.domain.chain import Convention
from strategies import models
from strategies.domain import alerts
from strategies.domain.m2m import FRESH_MS
from strategies.selectors.m2m import m2m_documents
from strategies.topics import M2M, m2m_topic, strategy_of
from streaming.domain.sequencing import Document
from streaming.publisher import Fenced, Plain, Publication, Publisher
from streaming.watched import watched
from tradingviz.core.redis import shared_client

logger = logging.getLogger(__name__)


def show_live(client: redis.Redis, *, now_ms: int) -> int:
    """Publish the strategies that somebody watches, fire the alerts whose time has come; return the frames published.

    Raises redis.RedisError, django.db.Error.
    """
    seen = [strategy_of(topic) for topic in watched(client, prefix=M2M, now_ms=now_ms)]
    waiting = list(_waiting())
    asked = {*seen, *(alert.strategy_id for alert in waiting)}
    if not asked:
        return 0
    documents = m2m_documents(strategy_ids=asked, now_ms=now_ms)
    if fire(waiting, documents, now_ms=now_ms):
        documents = m2m_documents(strategy_ids=asked, now_ms=now_ms)
    return _publish({pk: documents[pk] for pk in seen if pk in documents}, _publisher())


def show_first(client: redis.Redis, *, strategy_id: int, now_ms: int) -> int:
    """Publish a strategy that nobody watched, so that who begins to need not wait for the next pass; return the frames.

    Raises redis.RedisError, django.db.Error.
    """
    topic = m2m_topic(strategy_id)
    if topic in watched(client, prefix=topic, now_ms=now_ms):
        return 0
    return _publish(m2m_documents(strategy_ids=[strategy_id], now_ms=now_ms), Publisher(client))


def fire(waiting: Iterable[models.Alert], documents: Mapping[int, Document], *, now_ms: int) -> int:
    """Fire the alerts that the documents meet; return how many. Of two that see the same, one has fired it."""
    return sum(
        _fire(alert, documents[alert.strategy_id], now_ms) for alert in waiting if alert.strategy_id in documents
    )


def _waiting() -> Iterable[models.Alert]:
    return models.Alert.objects.filter(fired_at=None, strategy__status=models.Strategy.Status.ACTIVE)


def _fire(alert: models.Alert, document: Document, now_ms: int) -> int:
    value = None if document["value"] is None else Decimal(document["value"])
    seen = alerts.Observation(value, document["ts_event"] or 0, document["partial"])
    armed = alerts.Alert(alerts.Condition(alert.condition), alert.threshold, to_ms(alert.since))
    after, fired = alerts.observe(armed, seen, now_ms=now_ms, fresh_ms=FRESH_MS)
    if not fired:
        return 0
    told = models.Alert.objects.filter(pk=alert.pk, fired_at=None).update(
        fired_at=from_ms(after.fired_at_ms or now_ms), fired_value=after.fired_value
    )
    if told:
        logger.info("an alert fired", extra={"strategy": alert.strategy_id, "alert": alert.pk, "value": str(value)})
    return told


@cache
def _publisher() -> Publisher:
    return Publisher(shared_client())


def _publish(documents: Mapping[int, Document], publisher: Publisher) -> int:
    """Publish documents; who is late has nothing to add to what another worker published."""
    topics = [m2m_topic(pk) for pk in documents]
    publisher.adopt(topics)
    publications = [
        Publication(m2m_topic(pk), Plain(document), document["ts_event"] or 0, Convention.EXACT.value)
        for pk, document in documents.items()
    ]
    try:
        return len(publisher.publish_many(publications))
    except Fenced as error:
        logger.info("another worker published: %s", error)
        return 0
