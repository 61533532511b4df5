"""The programs that run inside a root: the files of `roots/inside` that have a `main`."""

from enum import StrEnum

PROGRAM_FOLDER = "/usr/lib/rpm/rdo"
"""The folder of the programs in a root; the macros layer puts them there."""


class RootProgram(StrEnum):
    """One program that runs inside a root, named by its file in `roots/inside`.

    >>> RootProgram.REPACK.command
    ('python3', '/usr/lib/rpm/rdo', 'repack')
    """

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

    @property
    def command(self) -> tuple[str, str, str]:
        """The beginning of a command line that runs the program; its arguments follow."""
        return ("python3", PROGRAM_FOLDER, self.value)
