"""Check that an installed cloud works: token, image, network and server, also after a reboot."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

from rdo.checks.junit import JUnitCase, suite
from rdo.deploy.cloud import IDENTITY_PORT, Cloud
from rdo.deploy.install.deployment import Deployment
from rdo.deploy.install.steps import program
from rdo.errors import CommandError, OutsideError, RefusedError, UserError
from rdo.tools.hosts.access import Host

_CHECK_SECONDS = 1800
_REBOOT_SECONDS = 300
_SETTLE_SECONDS = 300
_BOOT = "print(open('/proc/sys/kernel/random/boot_id').read())"
_WORDS = ["systemd-run", "--on-active=1", "systemctl", "reboot"]  # lets ssh end normally
_REBOOT = f"import os; os.execvp({_WORDS[0]!r}, {_WORDS!r})"


@dataclass(frozen=True, slots=True)
class CloudCheck:
    """A check of the cloud; `said` is what it found, or why it failed."""

    name: str
    seconds: float
    is_good: bool
    said: str


def verify(cloud: Deployment) -> list[CloudCheck]:
    """Use the cloud as its users do, from the controller, and remove what that makes.

    Raises OutsideError or CommandError as `Host.run_python` does, and CommandError if somebody else
    keeps installing or checking the cloud.
    """
    answers = Cloud(cloud.answers)
    request = {
        "mode": "check",
        "wanted": [
            {
                "auth_url": answers.url(IDENTITY_PORT),
                "admin": answers["CONFIG_KEYSTONE_ADMIN_USERNAME"],
                "admin_password": answers["CONFIG_KEYSTONE_ADMIN_PW"],
                "admin_project": "admin",
                "region": answers.region,
                "image": answers["CONFIG_PROVISION_IMAGE_NAME"],
                "has_images": answers.has("CONFIG_GLANCE_INSTALL"),
                "has_networks": answers.has("CONFIG_NEUTRON_INSTALL"),
                "has_servers": answers.has("CONFIG_NOVA_INSTALL"),
            }
        ],
    }
    host = controller(cloud)
    said = host.run_python(program().text(request), timeout=_CHECK_SECONDS)
    answer = json.loads(said.strip().splitlines()[-1])
    if "checks" not in answer:
        raise CommandError(f"{host.address}: {answer['said']}", hint=answer["remedy"])
    return [CloudCheck(**one) for one in answer["checks"]]


def check_may_reboot(cloud: Deployment) -> None:
    """Raise RefusedError if the controller is this machine."""
    if controller(cloud).access is None:
        raise RefusedError(
            "this machine is the controller, which rdo does not reboot",
            hint="reboot it, then run rdo deploy verify again",
        )


def verify_after_reboot(cloud: Deployment) -> list[CloudCheck]:
    """Reboot the controller, then repeat the checks for some minutes until services answer.

    Raises OutsideError if the controller does not come back.
    """
    took = _reboot(controller(cloud))
    checks = [CloudCheck("reboot", took, True, "")]
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        found = verify(cloud)
        if all(one.is_good for one in found) or time.monotonic() > deadline:
            return [*checks, *found]
        time.sleep(5)


def controller(cloud: Deployment) -> Host:
    """Return the host that the checks run on."""
    return next(
        one for one in cloud.hosts if one.address == cloud.answers["CONFIG_CONTROLLER_HOST"]
    )


def _reboot(host: Host) -> float:
    """Reboot a host, and return after how many seconds it answers again."""
    began = time.monotonic()
    before = host.run_python(_BOOT, timeout=60)
    host.run_python(_REBOOT, timeout=60)
    while time.monotonic() - began < _REBOOT_SECONDS:
        try:
            if host.run_python(_BOOT, timeout=20) != before:
                return time.monotonic() - began
        except (OutsideError, CommandError):
            pass  # it is shutting down or starting
        time.sleep(1)
    raise OutsideError(f"{host.address} does not answer {_REBOOT_SECONDS} s after its reboot")


def failure(checks: list[CloudCheck]) -> UserError | None:
    """Return the error for failed checks; None if all passed."""
    bad = [one for one in checks if not one.is_good]
    if not bad:
        return None
    said = "\n".join(f"{one.name}: {one.said}" for one in bad)
    return RefusedError(f"the cloud does not work\n{said}", hint="rdo deploy plan shows drift")


def as_text(checks: list[CloudCheck]) -> Iterator[str]:
    """Yield a line for each check."""
    for one in checks:
        mark = "ok" if one.is_good else "FAILED"
        yield f"{one.name:<12} {mark:<6} {one.seconds:7.1f} s  {one.said}".rstrip()


def as_junit(checks: list[CloudCheck]) -> str:
    """Return the checks as JUnit XML."""
    cases = [
        JUnitCase(
            one.name,
            one.seconds,
            failed="" if one.is_good else one.said or "it failed",
            said=one.said,
        )
        for one in checks
    ]
    return suite("rdo deploy verify", "cloud", cases)
