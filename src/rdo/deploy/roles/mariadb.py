"""MariaDB, the database of all services, on the controller."""

from collections.abc import Iterator

from rdo.deploy.cloud import Cloud, Part
from rdo.deploy.hosts import Duty
from rdo.deploy.wanted import RootPassword, Service, WantedFile

_SETTINGS = "/etc/my.cnf.d/90-rdo.cnf"
_CONTENT = """\
# Written by rdo deploy.
[mysqld]
bind-address = {address}
max_connections = 1000
"""


def parts(cloud: Cloud) -> Iterator[Part]:
    """Yield what the controller needs, unless the database is on another host."""
    if not cloud.has("CONFIG_MARIADB_INSTALL"):
        return
    yield Part(
        "mariadb",
        "MariaDB",
        Duty.CONTROLLER,
        packages=("mariadb-server",),
        wants=(
            WantedFile(_SETTINGS, _CONTENT.format(address=cloud["CONFIG_MARIADB_HOST"])),
            Service("mariadb", watches=(_SETTINGS,), ports=(3306,)),
            RootPassword(cloud["CONFIG_MARIADB_PW"]),
        ),
    )
