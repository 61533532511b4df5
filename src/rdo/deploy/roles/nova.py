"""nova, the compute service: APIs and console on the controller, and the hosts that run servers."""

from collections.abc import Iterator, Mapping

from rdo.deploy.cloud import COMPUTE_PORT, CONSOLE_PORT, Cloud, Part, Port
from rdo.deploy.hosts import Duty
from rdo.deploy.wanted import Api, Cells, Database, Once, Service, Value, WantedSettings

USER = "nova"
DATABASES = ("nova_api", "nova", "nova_cell0")
_SETTINGS = "/etc/nova/nova.conf"
_METADATA_PORT = 8775
_FIRST_VNC, _LAST_VNC = 5900, 5999
_CONTROL = ("conductor", "scheduler", "novncproxy")


def parts(cloud: Cloud) -> Iterator[Part]:
    """Yield what the controller needs, then what compute hosts need, then the cells."""
    if not cloud.has("CONFIG_NOVA_INSTALL"):
        return
    login = cloud["CONFIG_NOVA_KS_PW"]
    yield Part(
        "nova",
        "Nova",
        Duty.CONTROLLER,
        packages=tuple(f"openstack-nova-{name}" for name in ("api", *_CONTROL)),
        ports=(Port(COMPUTE_PORT), Port(_METADATA_PORT, to=Duty.COMPUTE), Port(CONSOLE_PORT)),
        wants=(
            Database(DATABASES, USER, cloud["CONFIG_NOVA_DB_PW"]),
            WantedSettings(_SETTINGS, _controller(cloud), "root", "nova"),
            _schema(),
            Service("openstack-nova-api", watches=(_SETTINGS,), ports=(COMPUTE_PORT,)),
            *(
                Service(f"openstack-nova-{name}", watches=(_SETTINGS,), ports=_ports(name))
                for name in _CONTROL
            ),
        ),
        apis=(Api("nova", "compute", cloud.url(COMPUTE_PORT, "/v2.1")),),
        logins=(("nova", login),),
    )


def compute_parts(cloud: Cloud) -> Iterator[Part]:
    """Yield what compute hosts need, and the controller's step that maps them into its cell."""
    if not cloud.has("CONFIG_NOVA_INSTALL"):
        return
    settings = _compute(cloud)
    yield Part(
        "nova-compute",
        "Nova compute",
        Duty.COMPUTE,
        packages=("openstack-nova-compute", "libvirt", "qemu-kvm"),
        ports=(Port(_FIRST_VNC, _LAST_VNC, to=Duty.CONTROLLER),),
        wants=(
            WantedSettings(_SETTINGS, settings, "root", "nova"),
            Service("libvirtd"),
            Service("openstack-nova-compute", watches=(_SETTINGS,), steady=True),
        ),
    )
    yield Part(
        "nova",
        "Nova cells",
        Duty.CONTROLLER,
        wants=(Cells(tuple(cloud.computes)),),
    )


def _schema() -> Once:
    """Return the tables of nova and its two cells; the cells' URLs come from the settings."""
    return Once(
        "nova-schema",
        "tables and cells of nova",
        (
            ("nova-manage", "api_db", "sync"),
            ("nova-manage", "cell_v2", "map_cell0"),
            ("/bin/sh", "-c", _CELL1),
            ("nova-manage", "db", "sync"),
        ),
        package="openstack-nova-api",
        user="nova",
        database="nova",
    )


# Idempotent, unlike create_cell alone; a cell without URLs uses those in nova.conf.
_CELL1 = (
    "nova-manage cell_v2 list_cells | grep -qw cell1"
    " || nova-manage cell_v2 create_cell --name=cell1"
)


def _ports(name: str) -> tuple[int, ...]:
    return (CONSOLE_PORT,) if name == "novncproxy" else ()


def _common(cloud: Cloud) -> dict[str, dict[str, Value]]:
    """Return the settings that controller and compute hosts share, without databases."""
    login = cloud["CONFIG_NOVA_KS_PW"]
    region = {"region_name": cloud.region}
    return {
        "DEFAULT": {
            "debug": cloud.debug,
            "log_dir": "/var/log/nova",
            "state_path": "/var/lib/nova",
            "transport_url": cloud.broker_url,
        },
        "api": {"auth_strategy": "keystone"},
        "glance": {**region},
        "keystone_authtoken": {**cloud.token_login("nova", login)},
        "neutron": {
            **cloud.service_login("neutron", cloud["CONFIG_NEUTRON_KS_PW"]),
            **region,
        },
        "oslo_concurrency": {"lock_path": "/var/lib/nova/tmp"},
        "placement": {**cloud.service_login("placement", login), **region},
        "service_user": {
            **cloud.service_login("nova", login),
            "send_service_user_token": "True",
        },
    }


def _controller(cloud: Cloud) -> Mapping[str, Mapping[str, Value]]:
    password = cloud["CONFIG_NOVA_DB_PW"]
    found = _common(cloud)
    found["DEFAULT"] |= {
        "my_ip": cloud.controller,
        "osapi_compute_workers": cloud.workers,
        "metadata_workers": cloud.workers,
        "cpu_allocation_ratio": cloud["CONFIG_NOVA_SCHED_CPU_ALLOC_RATIO"],
        "ram_allocation_ratio": cloud["CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO"],
    }
    found |= {
        "api_database": {"connection": cloud.database_url(USER, password, "nova_api")},
        "conductor": {"workers": cloud.workers},
        "database": {"connection": cloud.database_url(USER, password, "nova")},
        "scheduler": {"workers": "1"},
        "vnc": {"novncproxy_host": "0.0.0.0"},  # people's browsers open the console
    }
    found["neutron"] |= {
        "service_metadata_proxy": "True",
        "metadata_proxy_shared_secret": cloud["CONFIG_NEUTRON_METADATA_PW"].replace("$", "$$"),
    }
    return found


def _compute(cloud: Cloud) -> Mapping[str, Mapping[str, Value]]:
    """Return the settings of compute hosts; on a controller they are added to its own."""
    found = _common(cloud)
    chosen = cloud["CONFIG_NOVA_LIBVIRT_VIRT_TYPE"]
    kind: Value = ("kvm", "qemu") if chosen.startswith("%") else chosen
    found["DEFAULT"]["compute_driver"] = "libvirt.LibvirtDriver"
    found["libvirt"] = {"virt_type": kind, "cpu_mode": ("host-model", "none")}
    found["vnc"] = {
        "server_listen": "0.0.0.0",
        "server_proxyclient_address": "$my_ip",
        "novncproxy_base_url": cloud.url(CONSOLE_PORT, "/vnc_auto.html"),
    }
    return found
