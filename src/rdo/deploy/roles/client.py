"""The command line client, and the files with which the administrator logs in."""

import shlex
from collections.abc import Iterator

from rdo.deploy.cloud import IDENTITY_PORT, Cloud, Part
from rdo.deploy.hosts import Duty
from rdo.deploy.wanted import WantedFile

ADMIN_FILE = "/root/keystonerc_admin"
DEMO_FILE = "/root/keystonerc_demo"
_CONTENT = """\
unset OS_SERVICE_TOKEN
export OS_USERNAME={user}
export OS_PASSWORD={password}
export OS_REGION_NAME={region}
export OS_AUTH_URL={url}
export PS1='[\\u@\\h \\W(keystone_{project})]\\$ '
export OS_PROJECT_NAME={project}
export OS_USER_DOMAIN_NAME=Default
export OS_PROJECT_DOMAIN_NAME=Default
export OS_IDENTITY_API_VERSION=3
"""


def parts(cloud: Cloud) -> Iterator[Part]:
    """Yield the client with packstack's login file for the administrator, and one for the demo."""
    if not cloud.has("CONFIG_CLIENT_INSTALL"):
        return
    user = cloud["CONFIG_KEYSTONE_ADMIN_USERNAME"]
    files = [_file(cloud, ADMIN_FILE, user, cloud["CONFIG_KEYSTONE_ADMIN_PW"], "admin")]
    if cloud.has("CONFIG_PROVISION_DEMO"):
        files.append(_file(cloud, DEMO_FILE, "demo", cloud["CONFIG_KEYSTONE_DEMO_PW"], "demo"))
    yield Part(
        "client",
        "OpenStack Client",
        Duty.CONTROLLER,
        packages=("python3-openstackclient",),
        wants=tuple(files),
    )


def _file(cloud: Cloud, path: str, user: str, password: str, project: str) -> WantedFile:
    content = _CONTENT.format(
        user=shlex.quote(user),
        password=shlex.quote(password),
        region=shlex.quote(cloud.region),
        url=cloud.url(IDENTITY_PORT, "/v3"),
        project=project,
    )
    return WantedFile(path, content, mode=0o600)
