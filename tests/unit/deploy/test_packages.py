"""dnf's messages become one line that says what to do."""

import pytest

from rdo.deploy.on_host.acts import fault_of
from rdo.deploy.on_host.packages import dnf_fault


@pytest.mark.parametrize(
    ("said", "message", "remedy"),
    [
        (
            "Error: Unable to find a match: openstack-glance httpd",
            "no repository of the host has httpd openstack-glance",
            "rdo-release",
        ),
        (
            "No match for argument: openstack-glance\nError: Unable to find a match: x",
            "no repository of the host has openstack-glance x",
            "rdo-release",
        ),
        (
            "Error: Failed to download metadata for repo 'openstack-caracal': Cannot download",
            "the repository openstack-caracal cannot be reached",
            "makecache",
        ),
        (
            "Error: Transaction test error:\n  installing package a needs 5MB more space on the /",
            "the disk is full",
            "df -h",
        ),
        (
            "Not enough free space in /var/cache/dnf/x: needed 312.5 M, available 1.0 M",
            "the disk is full",
            "df -h",
        ),
        (
            "Error: Failed to download metadata for repo 'a': Failed writing received data to disk",
            "the disk is full",
            "df -h",
        ),
        (
            "Error: Error downloading packages:\n  a-1-1.noarch: Cannot download, all mirrors",
            "dnf cannot download a-1-1.noarch: Cannot download, all mirrors",
            "dnf makecache",
        ),
        (
            "Error: \n Problem: conflicting requests\n  - nothing provides b needed by a",
            "dnf install: Error:; - nothing provides b needed by a",
            "",
        ),
    ],
)
def test_a_failure_of_dnf(said: str, message: str, remedy: str) -> None:
    fault = dnf_fault(said)

    assert fault.said == message
    assert remedy in fault.remedy


def test_a_failed_command_is_reported_without_its_arguments_after_the_third() -> None:
    fault = fault_of(("a", "b", "c", "--password=x"), "first\n\nlast words\n", 3)

    assert fault.said == "a b c ended with status 3: first; last words"


def test_a_full_disk_is_reported_whatever_the_command_was() -> None:
    fault = fault_of(("x",), "write: No space left on device", 1)

    assert fault.said == "the disk is full"
