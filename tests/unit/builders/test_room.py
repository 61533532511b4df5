from pathlib import Path

import pytest

from rdo.builders.failure import failure_of
from rdo.builders.rooms.room import disk_failure, on_disk_of
from rdo.errors import CommandError
from rdo.model.build import Failed, FailureReason

RPM_SAYS = (
    "installing package python3-babel-2.18-1.noarch needs 20MB more space on the / filesystem"
)


def test_an_rpm_that_finds_too_little_space_is_no_fault_of_the_package(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="more space on the /") as caught, on_disk_of(tmp_path):
        raise CommandError(f"rpm -i x.rpm in a root: exit status 5\n{RPM_SAYS}")

    assert failure_of(caught.value).reason is FailureReason.NO_SPACE


def test_on_a_disk_with_space_a_failure_keeps_its_reason(tmp_path: Path) -> None:
    compile_error = Failed(FailureReason.COMPILE, "gcc: error")

    assert disk_failure(compile_error, tmp_path) == compile_error
    with pytest.raises(CommandError), on_disk_of(tmp_path):
        raise CommandError("rpm -i x.rpm in a root: exit status 1")
