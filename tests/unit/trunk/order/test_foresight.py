from rdo.builders.protocol import Foreseen
from rdo.trunk.order.foresight import Read, predictions_of
from rdo.trunk.order.providers import Providers
from tests.unit.trunk.samples import build, package


def test_a_name_that_only_the_spec_of_another_package_has_is_not_asked_of_the_bridge() -> None:
    server, service = build(1, "python-gunicorn"), build(2, "openstack-glance")
    providers = Providers([package(one.package) for one in (server, service)])
    read = Read(
        {
            server.id: Foreseen(offer=("python3-gunicorn", "openstack-wsgi-server")),
            service.id: Foreseen(
                build=("python3-devel", "openstack-wsgi-server"), use=("openstack-wsgi-server",)
            ),
        },
        frozenset({"openstack-wsgi-server", "python3-devel"}),
    )

    predictions = predictions_of([service, server], read, providers)

    assert predictions.behind["openstack-glance"] == {"python-gunicorn"}
    assert [one.needs for group in predictions.requests for one in group] == [("python3-devel",)]
