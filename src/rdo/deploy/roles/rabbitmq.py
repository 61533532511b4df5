"""RabbitMQ, the message broker of all services, on the controller."""

from collections.abc import Iterator

from rdo.deploy.cloud import Cloud, Part, Port
from rdo.deploy.hosts import Duty
from rdo.deploy.wanted import BrokerUser, Service, WantedFile

_PORT = 5672
_SETTINGS = "/etc/rabbitmq/rabbitmq.conf"
_CONTENT = """\
# Written by rdo deploy.
listeners.tcp.1 = {address}:5672
"""


def parts(cloud: Cloud) -> Iterator[Part]:
    """Yield the broker and its user; the user `guest` can log in only on the broker itself."""
    host = cloud["CONFIG_AMQP_HOST"]
    user, password = cloud["CONFIG_AMQP_AUTH_USER"], cloud["CONFIG_AMQP_AUTH_PASSWORD"]
    yield Part(
        "rabbitmq",
        "RabbitMQ",
        Duty.CONTROLLER,
        packages=("rabbitmq-server",),
        ports=(Port(_PORT, to=Duty.COMPUTE),),
        wants=(
            WantedFile(_SETTINGS, _CONTENT.format(address=host)),
            Service("rabbitmq-server", watches=(_SETTINGS,), ports=(_PORT,)),
            BrokerUser(user, password, host),
        ),
    )
