"""glance, the image service, with its images in a folder of the controller."""

from collections.abc import Iterator

from rdo.deploy.cloud import IMAGE_PORT, Cloud, Part, Port
from rdo.deploy.hosts import Duty
from rdo.deploy.wanted import Api, Database, Once, Service, WantedSettings

DATABASE, USER = "glance", "glance"
_SETTINGS = "/etc/glance/glance-api.conf"
_IMAGES = "/var/lib/glance/images/"


def parts(cloud: Cloud) -> Iterator[Part]:
    """Yield the API with its database, if the cloud has an image service."""
    if not cloud.has("CONFIG_GLANCE_INSTALL"):
        return
    database, login = cloud["CONFIG_GLANCE_DB_PW"], cloud["CONFIG_GLANCE_KS_PW"]
    settings = {
        "DEFAULT": {
            "debug": cloud.debug,
            "enabled_backends": "file:file",
            "log_file": "/var/log/glance/api.log",
            "workers": cloud.workers,
        },
        "database": {"connection": cloud.database_url(USER, database, DATABASE)},
        "file": {"filesystem_store_datadir": _IMAGES},
        "glance_store": {"default_backend": "file"},
        "keystone_authtoken": cloud.token_login("glance", login),
        "paste_deploy": {"flavor": "keystone"},
    }
    yield Part(
        "glance",
        "Glance",
        Duty.CONTROLLER,
        packages=("openstack-glance",),
        ports=(Port(IMAGE_PORT),),
        wants=(
            Database((DATABASE,), USER, database),
            WantedSettings(_SETTINGS, settings, "root", "glance"),
            Once(
                "glance-schema",
                "tables of glance",
                (("glance-manage", "db_sync"),),
                package="openstack-glance",
                user="glance",
                database=DATABASE,
            ),
            Service("openstack-glance-api", watches=(_SETTINGS,), ports=(IMAGE_PORT,)),
        ),
        apis=(Api("glance", "image", cloud.url(IMAGE_PORT)),),
        logins=(("glance", login),),
    )
