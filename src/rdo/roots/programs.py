"""The programs that run inside a root: the modules of `PROGRAM_PACKAGES` that have a `main`."""

from enum import StrEnum

from rdo.model.platform import Platform

PROGRAM_FOLDER = "/usr/lib/rpm/rdo"
"""The folder of the programs in a root; the macros layer puts them there."""


PROGRAM_PACKAGES = ("inside/building", "inside/installing")
"""The packages of the programs, in `rdo.roots`."""


class RootProgram(StrEnum):
    """One program that runs inside a root, named by its module."""

    # rdo itself runs these
    BUILD_WHEEL = "build_wheel"
    DESCRIBE_SOURCE = "describe_source"
    FORETELL = "foretell"
    MAKE_SOURCE = "make_source"
    REPACK = "repack"
    WRAP_WHEELS = "wrap_wheels"
    # rpmbuild runs these, by a macro or a file attribute
    BUILDREQUIRES = "buildrequires"
    BYTECOMPILE = "bytecompile"
    CHECK_IMPORT = "check_import"
    GPGVERIFY = "gpgverify"
    INSTALL_WHEELS = "install_wheels"
    MANGLE_SHEBANGS = "mangle_shebangs"
    PYTHONDIST = "pythondist"
    SAVE_FILES = "save_files"
    SHEBANGS = "shebangs"
    SYSUSERS = "sysusers"
    WHEEL = "wheel"

    def command_on(self, platform: Platform) -> tuple[str, str, str]:
        """Return the beginning of a command line that runs the program; its arguments follow."""
        return (platform.python_program, PROGRAM_FOLDER, self.value)
