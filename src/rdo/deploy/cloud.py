"""A cloud as its roles see it: the answers, and the addresses derived from them."""

from dataclasses import dataclass
from urllib.parse import quote

from rdo.deploy.answers import Answers
from rdo.deploy.hosts import Duty
from rdo.deploy.value_checks import items_of
from rdo.deploy.wanted import Api, Wanted

IDENTITY_PORT, IMAGE_PORT, PLACEMENT_PORT = 5000, 9292, 8778
COMPUTE_PORT, CONSOLE_PORT, NETWORK_PORT = 8774, 6080, 9696
_CPU_COUNT = "%{::processorcount}"
_MAX_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Cloud:
    """The answers, in the form that roles need.

    `public_key` is the line of the answers' ssh key, and `by_ssh` are the hosts that get it.
    """

    answers: Answers
    public_key: str = ""
    by_ssh: tuple[str, ...] = ()

    def __getitem__(self, key: str) -> str:
        return self.answers[key]

    def has(self, key: str) -> bool:
        """Whether a switch is on."""
        return self[key] == "y"

    @property
    def controller(self) -> str:
        """The address at which all hosts reach the APIs."""
        return self["CONFIG_CONTROLLER_HOST"]

    @property
    def time_servers(self) -> list[str]:
        """The servers that hosts take the time from; none if their clocks are left alone."""
        return [one for one in items_of(self["CONFIG_NTP_SERVERS"]) if one]

    @property
    def computes(self) -> list[str]:
        """The hosts that run servers."""
        return items_of(self["CONFIG_COMPUTE_HOSTS"])

    @property
    def region(self) -> str:
        """The region of all endpoints."""
        return self["CONFIG_KEYSTONE_REGION"]

    @property
    def debug(self) -> str:
        """The value of `debug` in services' settings."""
        return "True" if self.has("CONFIG_DEBUG_MODE") else "False"

    @property
    def workers(self) -> str:
        """Processes of each service; by default two, because services share a controller."""
        given = self["CONFIG_SERVICE_WORKERS"]
        return str(_MAX_WORKERS) if given == _CPU_COUNT else given

    def url(self, port: int, path: str = "") -> str:
        """Return the URL of an API of the controller."""
        host = f"[{self.controller}]" if ":" in self.controller else self.controller
        return f"http://{host}:{port}{path}"

    def database_url(self, user: str, password: str, name: str) -> str:
        """Return SQLAlchemy's URL of a database."""
        host = self["CONFIG_MARIADB_HOST"]
        shown = f"[{host}]" if ":" in host else host
        return f"mysql+pymysql://{user}:{quote(password, safe='')}@{shown}/{name}?charset=utf8"

    @property
    def broker_url(self) -> str:
        """The URL of the message broker."""
        user, password = self["CONFIG_AMQP_AUTH_USER"], self["CONFIG_AMQP_AUTH_PASSWORD"]
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"rabbit://{login}@{self['CONFIG_AMQP_HOST']}:5672/"

    def service_login(self, user: str, password: str) -> dict[str, str]:
        """Return the settings with which a service logs in to keystone."""
        return {
            "auth_url": self.url(IDENTITY_PORT),
            "auth_type": "password",
            "username": user,
            "password": password.replace("$", "$$"),  # oslo.config replaces $NAME
            "project_name": "services",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }

    def token_login(self, user: str, password: str) -> dict[str, str]:
        """Return the section `keystone_authtoken` of a service."""
        return {
            **self.service_login(user, password),
            "www_authenticate_uri": self.url(IDENTITY_PORT),
            "memcached_servers": "127.0.0.1:11211",
            "region_name": self.region,
        }


@dataclass(frozen=True, slots=True)
class Port:
    """Ports of a host that are open to all hosts with a duty, or to everybody without a duty."""

    number: int
    last: int = 0
    protocol: str = "tcp"
    to: Duty | None = None

    @property
    def shown(self) -> str:
        """One port, or FIRST-LAST."""
        return f"{self.number}-{self.last}" if self.last else str(self.number)


@dataclass(frozen=True, slots=True)
class Part:
    """What one role requires on the hosts with a duty, in order, under one title for people.

    Without a duty it applies to all hosts; with `only`, to that host alone. The `packages` of all
    roles are installed before anything else; after them `ports` are opened on hosts with a
    firewall. `apis` and `logins` (users of services with their passwords) are entered in keystone
    for all roles at once.
    """

    role: str
    title: str
    duty: Duty | None
    packages: tuple[str, ...] = ()
    wants: tuple[Wanted, ...] = ()
    apis: tuple[Api, ...] = ()
    logins: tuple[tuple[str, str], ...] = ()
    only: str = ""
    ports: tuple[Port, ...] = ()
