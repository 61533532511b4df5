import pytest

from rdo.trunk.order.providers import Providers, needed_names
from tests.unit.trunk.samples import package

PACKAGES = [
    package("python-oslo-config", "oslo.config"),
    package("openstack-nova", "nova"),
    package("python-novaclient"),
    package("python-pymysql", upstream="pypi:PyMySQL"),
    package("openvswitch"),
]


@pytest.mark.parametrize(
    ("need", "provider"),
    [
        ("python3dist(oslo-config) >= 5.2", "python-oslo-config"),
        ("python3dist(oslo.config)", "python-oslo-config"),
        ("python3.11dist(oslo-config[rst])", "python-oslo-config"),
        ("python3-oslo-config >= 2:5.2.0", "python-oslo-config"),
        ("python3-oslo-config-tests", "python-oslo-config"),
        ("python3-nova", "openstack-nova"),
        ("python3-novaclient", "python-novaclient"),
        ("openstack-nova-compute", "openstack-nova"),
        ("python3-PyMySQL", "python-pymysql"),
        ("openvswitch-devel", "openvswitch"),
        ("(python3dist(nova) >= 2 with python3dist(nova) < 3~~)", "openstack-nova"),
        ("python3dist(pbr)", None),
        ("python3-devel", None),
        ("/usr/bin/nova", None),
    ],
)
def test_a_package_never_built_is_known_by_its_names(need: str, provider: str | None) -> None:
    assert Providers(PACKAGES).of(need) == ({provider} if provider else set())


def test_what_a_package_was_published_with_goes_before_its_names() -> None:
    providers = Providers(PACKAGES, {"openvswitch": ["pkgconfig(libopenvswitch)"]})
    providers.learn("python-novaclient", ["python3-nova", "python3dist(nova)"])

    assert providers.of("pkgconfig(libopenvswitch) >= 3") == {"openvswitch"}
    assert providers.of("python3dist(nova)") == {"python-novaclient"}


def test_what_a_package_no_longer_provides_is_forgotten() -> None:
    providers = Providers(PACKAGES, {"openvswitch": ["pkgconfig(old)"]})

    providers.learn("openvswitch", ["pkgconfig(new)"])

    assert providers.of("pkgconfig(old)") == set()


def test_a_rich_dependency_names_all_it_may_need_and_no_condition() -> None:
    assert needed_names("(a >= 1 or b(x) < 2 or (c if d))") == {"a", "b(x)", "c"}
    assert needed_names("python3dist(x[y]) = 1.0~rc1") == {"python3dist(x[y])"}
