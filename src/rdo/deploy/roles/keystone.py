"""keystone, the identity service, in httpd on the controller."""

from collections.abc import Iterator

from rdo.deploy.cloud import IDENTITY_PORT, Cloud, Part, Port
from rdo.deploy.hosts import Duty
from rdo.deploy.roles import httpd
from rdo.deploy.wanted import Administrator, Api, Database, Once, Service, WantedSettings

DATABASE, USER = "keystone", "keystone_admin"
SETTINGS = "/etc/keystone/keystone.conf"
_PAGE = "/etc/httpd/conf.d/10-keystone.conf"


def parts(cloud: Cloud) -> Iterator[Part]:
    """Yield keystone with its database, keys and administrator."""
    password = cloud["CONFIG_KEYSTONE_DB_PW"]
    settings = {
        "DEFAULT": {"debug": cloud.debug, "log_dir": "/var/log/keystone"},
        "database": {"connection": cloud.database_url(USER, password, DATABASE)},
        "token": {"provider": "fernet"},
    }
    yield Part(
        "keystone",
        "Keystone",
        Duty.CONTROLLER,
        packages=("openstack-keystone", *httpd.PACKAGES),
        ports=(Port(IDENTITY_PORT),),
        wants=(
            Database((DATABASE,), USER, password),
            WantedSettings(SETTINGS, settings, "root", "keystone", 0o640),
            Once(
                "keystone-schema",
                "tables of keystone",
                (("keystone-manage", "db_sync"),),
                package="openstack-keystone",
                user="keystone",
                database=DATABASE,
            ),
            *map(_keys, ("fernet", "credential")),
            httpd.page(
                _PAGE,
                name="keystone",
                port=IDENTITY_PORT,
                user="keystone",
                script="/usr/bin/keystone-wsgi-public",
                workers=cloud.workers,
            ),
            Service(httpd.UNIT, watches=(SETTINGS, _PAGE), ports=(IDENTITY_PORT,)),
            Administrator(
                cloud["CONFIG_KEYSTONE_ADMIN_USERNAME"],
                cloud["CONFIG_KEYSTONE_ADMIN_PW"],
                "admin",
                cloud.region,
                cloud.url(IDENTITY_PORT, "/v3"),
                cloud.url(IDENTITY_PORT),
            ),
        ),
    )


def _keys(name: str) -> Once:
    """Return the keys of tokens or of credentials, which are made only once."""
    command = ("keystone-manage", f"{name}_setup")
    who = ("--keystone-user", "keystone", "--keystone-group", "keystone")
    return Once(
        f"keystone-{name}",
        f"{name} keys of keystone",
        ((*command, *who),),
        creates=f"/etc/keystone/{name}-keys/0",
    )


def apis(cloud: Cloud) -> tuple[Api, ...]:
    """Return keystone's own entry in its catalog, so that a changed endpoint is seen."""
    return (Api("keystone", "identity", cloud.url(IDENTITY_PORT, "/v3")),)
