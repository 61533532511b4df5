"""neutron, the network service, with OVN: its server and databases, and OVN on compute hosts."""

from collections.abc import Iterator, Mapping

from rdo.deploy.cloud import NETWORK_PORT, Cloud, Part, Port
from rdo.deploy.hosts import Duty
from rdo.deploy.wanted import (
    Api,
    Database,
    Listeners,
    Once,
    Service,
    Switch,
    Value,
    WantedLink,
    WantedSettings,
)

DATABASE, USER = "neutron", "neutron"
_SETTINGS = "/etc/neutron/neutron.conf"
_ML2 = "/etc/neutron/plugins/ml2/ml2_conf.ini"
_PLUGIN = "/etc/neutron/plugin.ini"
_METADATA = "/etc/neutron/neutron_ovn_metadata_agent.ini"
# Releases whose server has no such threads need these services beside it.
_NEWER = ("neutron-rpc-server", "neutron-periodic-workers", "neutron-ovn-maintenance-worker")
_NORTHBOUND, _SOUTHBOUND = 6641, 6642
_GENEVE = 6081


def parts(cloud: Cloud) -> Iterator[Part]:
    """Yield OVN's databases and neutron's server."""
    if not cloud.has("CONFIG_NEUTRON_INSTALL"):
        return
    database, login = cloud["CONFIG_NEUTRON_DB_PW"], cloud["CONFIG_NEUTRON_KS_PW"]
    yield Part(
        "ovn",
        "OVN databases",
        Duty.CONTROLLER,
        packages=("openvswitch", "ovn-central"),
        ports=(Port(_SOUTHBOUND, to=Duty.COMPUTE),),
        wants=(
            Service("openvswitch"),
            Service("ovn-northd"),
            Listeners(f"ptcp:{_NORTHBOUND}:0.0.0.0", f"ptcp:{_SOUTHBOUND}:0.0.0.0"),
        ),
    )
    watches = (_SETTINGS, _ML2)
    yield Part(
        "neutron",
        "Neutron",
        Duty.CONTROLLER,
        packages=("openstack-neutron", "openstack-neutron-ml2"),
        ports=(Port(NETWORK_PORT),),
        wants=(
            Database((DATABASE,), USER, database),
            WantedSettings(_SETTINGS, _server(cloud), "root", "neutron"),
            WantedSettings(_ML2, _plugin(cloud), "root", "neutron"),
            WantedLink(_PLUGIN, _ML2),
            _schema(),
            Service("neutron-server", watches=watches, ports=(NETWORK_PORT,)),
            *(Service(name, watches=watches, optional=True) for name in _NEWER),
        ),
        apis=(Api("neutron", "network", cloud.url(NETWORK_PORT)),),
        logins=(("neutron", login),),
    )


def compute_parts(cloud: Cloud) -> Iterator[Part]:
    """Yield OVN on hosts that run servers, with the agent that gives them metadata."""
    for host in cloud.computes if cloud.has("CONFIG_NEUTRON_INSTALL") else ():
        yield Part(
            "ovn-host",
            "OVN controller",
            Duty.COMPUTE,
            packages=("openvswitch", "ovn-host", "openstack-neutron-ovn-metadata-agent"),
            ports=(Port(_GENEVE, protocol="udp", to=Duty.COMPUTE),),
            wants=(
                Service("openvswitch"),
                Switch(_external_ids(cloud, host), ("br-ex",)),
                Service("ovn-controller"),
                WantedSettings(_METADATA, _metadata(cloud), "root", "neutron"),
                Service("neutron-ovn-metadata-agent", watches=(_METADATA,)),
            ),
            only=host,
        )


def _schema() -> Once:
    files = ("--config-file", _SETTINGS, "--config-file", _ML2)
    return Once(
        "neutron-schema",
        "tables of neutron",
        (("neutron-db-manage", *files, "upgrade", "heads"),),
        package="openstack-neutron",
        user="neutron",
        database=DATABASE,
    )


def _server(cloud: Cloud) -> Mapping[str, Mapping[str, Value]]:
    database, login = cloud["CONFIG_NEUTRON_DB_PW"], cloud["CONFIG_NEUTRON_KS_PW"]
    return {
        "DEFAULT": {
            "debug": cloud.debug,
            "core_plugin": "ml2",
            "service_plugins": "ovn-router",
            "auth_strategy": "keystone",
            "transport_url": cloud.broker_url,
            "notify_nova_on_port_status_changes": "True",
            "notify_nova_on_port_data_changes": "True",
            "api_workers": cloud.workers,
            "rpc_workers": "1",
            "dns_domain": "openstacklocal",
        },
        "database": {"connection": cloud.database_url(USER, database, DATABASE)},
        "keystone_authtoken": cloud.token_login("neutron", login),
        "nova": {
            **cloud.service_login("nova", cloud["CONFIG_NOVA_KS_PW"]),
            "region_name": cloud.region,
        },
        "oslo_concurrency": {"lock_path": "/var/lib/neutron/tmp"},
    }


def _plugin(cloud: Cloud) -> Mapping[str, Mapping[str, Value]]:
    return {
        "ml2": {
            "type_drivers": cloud["CONFIG_NEUTRON_ML2_TYPE_DRIVERS"],
            "tenant_network_types": cloud["CONFIG_NEUTRON_ML2_TENANT_NETWORK_TYPES"],
            "mechanism_drivers": "ovn",
            "extension_drivers": "port_security",
            "overlay_ip_version": "4",
        },
        "ml2_type_flat": {"flat_networks": cloud["CONFIG_NEUTRON_ML2_FLAT_NETWORKS"]},
        "ml2_type_geneve": {
            "vni_ranges": cloud["CONFIG_NEUTRON_ML2_VNI_RANGES"],
            "max_header_size": "38",
        },
        "ovn": {
            "ovn_nb_connection": f"tcp:{cloud.controller}:{_NORTHBOUND}",
            "ovn_sb_connection": f"tcp:{cloud.controller}:{_SOUTHBOUND}",
            "ovn_metadata_enabled": "True",
            "enable_distributed_floating_ip": "False",
        },
        "securitygroup": {"enable_security_group": "True"},
    }


def _metadata(cloud: Cloud) -> Mapping[str, Mapping[str, Value]]:
    return {
        "DEFAULT": {
            "debug": cloud.debug,
            "nova_metadata_host": cloud.controller,
            "metadata_proxy_shared_secret": cloud["CONFIG_NEUTRON_METADATA_PW"].replace("$", "$$"),
            "metadata_workers": "1",
        },
        "ovn": {"ovn_sb_connection": f"tcp:{cloud.controller}:{_SOUTHBOUND}"},
        "ovs": {"ovsdb_connection": "unix:/var/run/openvswitch/db.sock"},
    }


def _external_ids(cloud: Cloud, host: str) -> Mapping[str, str]:
    return {
        "ovn-remote": f"tcp:{cloud.controller}:{_SOUTHBOUND}",
        "ovn-encap-type": "geneve",
        "ovn-encap-ip": host,
        "ovn-bridge-mappings": cloud["CONFIG_NEUTRON_OVN_BRIDGE_MAPPINGS"],
        "ovn-cms-options": "enable-chassis-as-gw",
    }
