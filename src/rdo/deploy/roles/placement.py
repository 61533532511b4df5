"""placement, which tracks the resources of compute hosts, in httpd on the controller."""

from collections.abc import Iterator

from rdo.deploy.cloud import PLACEMENT_PORT, Cloud, Part, Port
from rdo.deploy.hosts import Duty
from rdo.deploy.roles import httpd
from rdo.deploy.wanted import Api, Database, Once, Service, WantedSettings

DATABASE, USER = "placement", "placement"
_SETTINGS = "/etc/placement/placement.conf"
_PAGE = "/etc/httpd/conf.d/00-placement-api.conf"


def parts(cloud: Cloud) -> Iterator[Part]:
    """Yield placement with nova's passwords, because packstack has none for it.

    RDO's httpd configuration denies all access, so it is replaced.
    """
    if not cloud.has("CONFIG_NOVA_INSTALL"):
        return
    database, login = cloud["CONFIG_NOVA_DB_PW"], cloud["CONFIG_NOVA_KS_PW"]
    settings = {
        "DEFAULT": {"debug": cloud.debug},
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": cloud.token_login("placement", login),
        "placement_database": {"connection": cloud.database_url(USER, database, DATABASE)},
    }
    yield Part(
        "placement",
        "Placement",
        Duty.CONTROLLER,
        packages=("openstack-placement-api", *httpd.PACKAGES),
        ports=(Port(PLACEMENT_PORT),),
        wants=(
            Database((DATABASE,), USER, database),
            WantedSettings(_SETTINGS, settings, "root", "placement"),
            Once(
                "placement-schema",
                "tables of placement",
                (("placement-manage", "db", "sync"),),
                package="openstack-placement-api",
                user="placement",
                database=DATABASE,
            ),
            httpd.page(
                _PAGE,
                name="placement",
                port=PLACEMENT_PORT,
                user="placement",
                script="/usr/bin/placement-api",
                workers=cloud.workers,
            ),
            Service(httpd.UNIT, watches=(_SETTINGS, _PAGE), ports=(PLACEMENT_PORT,)),
        ),
        apis=(Api("placement", "placement", cloud.url(PLACEMENT_PORT)),),
        logins=(("placement", login),),
    )
