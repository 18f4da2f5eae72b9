"""The Celery application of publishers and workers: JSON only, no results, interactive queue first.

Messages may be lost, because the ledger has the jobs. So no message is stored for redelivery.
"""

from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from celery import Celery
from kombu import Queue as KombuQueue
from kombu.transport import TRANSPORT_ALIASES
from redis.connection import parse_url

from shared.contract.names import Queue
from shared.redis_client.client import CONNECT_TIMEOUT_S, display_address
from shared.redis_client.sentinel import parse_sentinel_url

#: Seconds between two checks of a blocking read. A read waits for a message for a second; if it has no reply after both
#: times together, kombu reconnects. kombu's default of 25 s would leave a worker without messages for up to 51 s.
_HEALTH_CHECK_INTERVAL_S: Final = 4


def create_celery_app(redis_url: str) -> Celery:
    """Create a Celery application on `redis_url`. Nothing is connected yet."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = "shared.broker.transport:Transport"
    TRANSPORT_ALIASES["sentinel"] = "shared.broker.transport:SentinelTransport"
    sentinel_address = parse_sentinel_url(redis_url)
    app = Celery("melanoma", broker=kombu_url(redis_url), set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_queues=[KombuQueue(str(queue), routing_key=str(queue)) for queue in Queue],
        task_default_queue=str(Queue.BULK),
        task_create_missing_queues=False,
        # A worker reserves no more messages than it has task threads.
        task_acks_late=True,
        task_acks_on_failure_or_timeout=True,
        worker_prefetch_multiplier=1,
        worker_send_task_events=True,
        task_send_sent_event=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            # Otherwise kombu keeps each reserved message in Redis and delivers it again after a time-out by the wall
            # clock. That is a quarter of a message's cost, and the ledger recovers within seconds by leases anyway.
            "ack_emulation": False,
            "queue_order_strategy": "priority",
            "socket_keepalive": True,
            # No call blocks: Celery's event loop reads a reply when the socket has one.
            "socket_timeout": CONNECT_TIMEOUT_S,
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "health_check_interval": _HEALTH_CHECK_INTERVAL_S,
        },
    )
    app.conf.melanoma_redis_address = display_address(redis_url)
    if sentinel_address:
        app.conf.broker_transport_options["master_name"] = sentinel_address.name
    if urlsplit(redis_url).scheme == "rediss":
        # Certificates are checked unless the URL says otherwise, as in redis-py.
        app.conf.broker_use_ssl = {"ssl_cert_reqs": "required", **_tls_options(redis_url)}
    return app


def _tls_options(url: str) -> dict[str, str]:
    return {name: value for name, value in parse_qsl(urlsplit(url).query) if name.startswith("ssl_")}


def kombu_url(url: str) -> str:
    """Return a Redis URL in kombu's form, which differs for Sentinels and for sockets."""
    if sentinel_address := parse_sentinel_url(url):
        login = _login(sentinel_address.username, sentinel_address.password)
        return ";".join(
            f"sentinel://{login}{host}:{port}/{sentinel_address.db}" for host, port in sentinel_address.nodes
        )
    if urlsplit(url).scheme == "unix":
        # redis-py leaves this function untyped.
        options = parse_url(url)  # type: ignore[no-untyped-call]
        login = _login(options.get("username"), options.get("password"))
        return f"redis+socket://{login}{quote(options['path'])}?virtual_host={options.get('db', 0)}"
    return url


def _login(username: str | None, password: str | None) -> str:
    return f"{quote(username or '', safe='')}:{quote(password or '', safe='')}@" if username or password else ""
