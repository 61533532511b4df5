"""The interpreter for which requirements of Python projects are evaluated."""

from dataclasses import dataclass

from packaging.requirements import Requirement


@dataclass(frozen=True, slots=True)
class Python:
    """The interpreter for which environment markers are evaluated."""

    version: str = "3.9"

    @property
    def environment(self) -> dict[str, str]:
        """Return the values of markers on Linux, x86_64 and CPython of this version."""
        full = self.version if self.version.count(".") > 1 else f"{self.version}.0"
        return {
            "implementation_name": "cpython",
            "implementation_version": full,
            "os_name": "posix",
            "platform_machine": "x86_64",
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": full,
            "python_version": ".".join(full.split(".")[:2]),
            "sys_platform": "linux",
        }

    def applies(self, requirement: Requirement, *extras: str) -> bool:
        """Whether the requirement's marker is true here, without any extra or with one of these."""
        marker = requirement.marker
        return marker is None or any(
            marker.evaluate({**self.environment, "extra": extra}) for extra in ("", *extras)
        )
