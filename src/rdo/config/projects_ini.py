"""Convert DLRN's projects.ini to rdo.toml, and list what cannot be converted.

Every option of the file becomes a value of rdo.toml, a note that explains what replaces it or why
it is not needed, or, if DLRN itself does not know it, a note about that.
"""

import configparser
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rdo.config.loading import FILE_NAME, load
from rdo.config.section import RESERVED_NAMES
from rdo.errors import ConfigError, RefusedError

# Mock templates of RDO and Fedora, and the platforms that replace them.
_PLATFORMS = (
    (re.compile(r"centos-?(?:stream-?)?(\d+)(?:-stream)?(?:-x86_64)?"), r"el\1s-x86_64"),
    (re.compile(r"(?:rhel|epel|rocky|alma)-?(?:linux-?)?(\d+)(?:-x86_64)?"), r"el\1-x86_64"),
    (re.compile(r"fedora-?(\d+)(?:-x86_64)?"), r"fedora\1-x86_64"),
)
_NOT_YET = "rdo does not support this yet"
_BUILT_IN = 'rdo has its own builder; builder = "command" runs yours instead'
_DRIVER_SECTIONS = {
    "dlrn.drivers.rdoinfo.RdoInfoDriver": "rdoinfo_driver",
    "dlrn.drivers.downstream.DownstreamInfoDriver": "downstream_driver",
    "dlrn.drivers.gitrepo.GitRepoDriver": "gitrepo_driver",
    "dlrn.drivers.local.LocalDriver": "local_driver",
}
# Options that rdo does not need or has no counterpart for, with the reason.
_LEFT: dict[tuple[str, str], str] = {
    ("DEFAULT", "scriptsdir"): "rdo has no build scripts",
    ("DEFAULT", "configdir"): "rdo has no mock templates; a platform is chosen by name",
    ("DEFAULT", "templatedir"): _NOT_YET,
    ("DEFAULT", "rsyncdest"): _NOT_YET,
    ("DEFAULT", "rsyncport"): _NOT_YET,
    ("DEFAULT", "custom_preprocess"): _NOT_YET,
    ("DEFAULT", "allow_force_rechecks"): "`rdo trunk recheck --force` builds a success again",
    ("DEFAULT", "deps_url"): "dependencies come from the platform and the bridge",
    ("rdoinfo_driver", "cache_dir"): "rdo keeps it in data/cache",
    ("downstream_driver", "cache_dir"): "rdo keeps it in data/cache",
    ("mockbuild_driver", "install_after_build"): _BUILT_IN,
    **{
        ("gitrepo_driver", option): _NOT_YET for option in ("keep_tarball", "use_version_from_spec")
    },
    **{
        ("kojibuild_driver", option): _BUILT_IN
        for option in (
            "additional_koji_tags",
            "arch",
            "build_target",
            "fetch_mock_config",
            "koji_exe",
            "krb_keytab",
            "krb_principal",
            "mock_base_packages",
            "mock_package_manager",
            "rhpkg_timeout",
            "scratch_build",
            "use_rhpkg",
        )
    },
    ("coprbuild_driver", "coprid"): _BUILT_IN,
}

_FOLLOWING = (
    "versions_url",
    "downstream_distgit_key",
    "downstream_tag",
    "downstream_source_git_key",
    "downstream_source_git_branch",
    "use_upstream_spec",
    "downstream_spec_replace_list",
)


@dataclass(frozen=True, slots=True)
class Note:
    """What became of an option that is not simply a value of rdo.toml."""

    section: str
    option: str
    value: str
    reason: str

    def __str__(self) -> str:
        shown = " ".join(self.value.split())
        return f"[{self.section}] {self.option} = {shown}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Imported:
    """The text of an rdo.toml, and notes for a person about options that are not in it."""

    text: str
    notes: tuple[Note, ...]
    target: str


def import_projects_ini(file: Path, target: str = "") -> Imported:
    """Convert a projects.ini to an rdo.toml with one target.

    Raises ConfigError if the file cannot be read, or has a value that cannot be converted.
    """
    parser = configparser.RawConfigParser()  # as in DLRN, so that % is not special
    try:
        parser.read_string(file.read_text(), str(file))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8") from error
    except configparser.Error as error:
        raise ConfigError(" ".join(str(error).split())) from error
    return _Import(parser, file, target).result()


def write(found: Imported, folder: Path) -> Path:
    """Check the text and write it as rdo.toml into a folder.

    Raises RefusedError if the file exists, ConfigError if the text is not a valid configuration.
    """
    file = folder / FILE_NAME
    if file.exists():
        raise RefusedError(f"{file} already exists", hint="choose another folder, or move it away")
    with tempfile.TemporaryDirectory() as scratch:
        trial = Path(scratch) / FILE_NAME
        trial.write_text(found.text)
        load(trial, {})
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f".{FILE_NAME}.new"
    new.write_text(found.text)
    return new.replace(file)


@dataclass(slots=True)
class _Import:
    parser: configparser.RawConfigParser
    file: Path
    wanted_target: str
    top: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    target: dict[str, Any] = field(default_factory=dict)
    follow: dict[str, Any] = field(default_factory=dict)
    mail: dict[str, Any] = field(default_factory=dict)
    gerrit: dict[str, Any] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def result(self) -> Imported:
        """Convert all options and return the result."""
        for section, option, value in self._options():
            carry = _CARRIED.get((section, option))
            if carry is not None:
                carry(self, value)
            else:
                left = _LEFT.get((section, option), "DLRN has no such option")
                self.notes.append(Note(section, option, value, left))
        return self._finished()

    @property
    def driver_section(self) -> str:
        """The section of the package driver in use."""
        driver = self.parser.defaults().get("pkginfo_driver", "")
        return _DRIVER_SECTIONS.get(driver, "rdoinfo_driver")

    def note(self, option: str, value: str, reason: str, section: str = "DEFAULT") -> None:
        """Note what became of an option."""
        self.notes.append(Note(section, option, value, reason))

    def number(self, option: str, value: str) -> int:
        """Parse a number; raise ConfigError if the value is not one."""
        if not value.isdecimal():
            raise ConfigError(f"{self.file}: {option} = {value} is not a number")
        return int(value)

    def truth(self, option: str, value: str) -> bool:
        """Parse a boolean; raise ConfigError if the value is not one."""
        words = configparser.ConfigParser.BOOLEAN_STATES
        if value.lower() not in words:
            raise ConfigError(f"{self.file}: {option} = {value} is neither true nor false")
        return words[value.lower()]

    def _options(self) -> list[tuple[str, str, str]]:
        """Return each option with its value, in the section that sets it."""
        defaults = self.parser.defaults()
        found = []
        for section in ("DEFAULT", *self.parser.sections()):
            own = defaults if section == "DEFAULT" else self.parser[section]
            for option, value in own.items():
                is_inherited = section != "DEFAULT" and value == defaults.get(option)
                if not is_inherited:
                    found.append((section, option, value))
        return found

    def _finished(self) -> Imported:
        self.top.setdefault("data", "data")
        self._note_unfollowed()
        self.metadata.setdefault("source", "https://github.com/redhat-openstack/rdoinfo.git")
        self.metadata.setdefault("file", "rdo.yml")
        if "release" not in self.target:
            self.target["release"] = "master"
            self.note("tags", "", "without it DLRN builds all packages; rdo requires a release")
        if "platform" not in self.target:
            self.target["platform"] = "deb12-x86_64"
            self.note("target", "", "without a mock template the default platform is used")
        stem = self.target["platform"].rpartition("-")[0] or self.target["platform"]
        name = self.wanted_target or _name(f"{self.target['release']}-{stem}")
        if name in RESERVED_NAMES:
            raise ConfigError(f"a target cannot be named {name}; choose another name")
        return Imported(self._text(name), tuple(self.notes), name)

    def _note_unfollowed(self) -> None:
        """Note the options that apply only to a target that follows another instance."""
        section = "downstream_driver"
        is_in_use = self.driver_section == section
        if is_in_use and self.follow.get("versions"):
            return
        reason = "it applies only with versions_url" if is_in_use else "its driver is not in use"
        for option in _FOLLOWING:
            if value := self.parser.get(section, option, fallback=""):
                self.note(option, value, reason, section)

    def _text(self, target: str) -> str:
        lines = [f"# Made from DLRN's {self.file.name}.", *_lines(self.top), ""]
        lines += ["[metadata]", *_lines(self.metadata), ""]
        lines += [f"[targets.{json.dumps(target)}]", *_lines(self.target)]
        if self.driver_section == "downstream_driver" and self.follow.get("versions"):
            lines += [f"[targets.{json.dumps(target)}.follow]", *_lines(self.follow)]
        if self.mail:
            lines += ["", "[mail]", *_lines(self.mail)]
        if self.parser.defaults().get("gerrit"):
            lines += ["", "[gerrit]", *_lines(self.gerrit)]
        if self.notes:
            lines += ["", "# Not converted, or converted with a change:"]
            lines += [f"#   {note}" for note in self.notes]
        return "".join(f"{line}\n" for line in lines)


Carry = Callable[[_Import, str], None]


def _put(section: str, key: str) -> Carry:
    def carry(found: _Import, value: str) -> None:
        if value:
            getattr(found, section)[key] = value

    return carry


def _put_number(key: str, option: str) -> Carry:
    def carry(found: _Import, value: str) -> None:
        found.target[key] = found.number(option, value)

    return carry


def _put_truth(key: str, option: str) -> Carry:
    def carry(found: _Import, value: str) -> None:
        found.target[key] = found.truth(option, value)

    return carry


def _only(option: str, usual: str, reason: str) -> Carry:
    """Return the rule for an option whose usual value is what rdo does anyway."""

    def carry(found: _Import, value: str) -> None:
        if value.lower() != usual.lower():
            found.note(option, value, reason)

    return carry


def _data(found: _Import, value: str) -> None:
    found.top["data"] = value
    found.note("datadir", value, "now data; the tree is data/<target>/repos, not data/repos")


def _mock_template(found: _Import, value: str) -> None:
    for pattern, platform in _PLATFORMS:
        if match := pattern.fullmatch(value.lower()):
            found.target["platform"] = match.expand(platform)
            return
    found.target["platform"] = _name(value)
    found.note("target", value, "used as the name of a platform; see `rdo platform list`")


def _server(found: _Import, value: str) -> None:
    if value:
        found.mail |= {"server": value, "from": "no-reply@delorean.com"}


def _gerrit(found: _Import, value: str) -> None:
    if value:
        found.note("gerrit", value, "each distgit's .gitreview says where its reviews go")


def _gerrit_topic(found: _Import, value: str) -> None:
    if not found.parser.defaults().get("gerrit"):
        found.note("gerrit_topic", value, "it applies only with gerrit")
    elif value:
        found.gerrit["topic"] = re.sub(r"[^A-Za-z0-9._/-]", "-", value)


def _branches(found: _Import, value: str) -> None:
    found.target["nonfallback-branches"] = [x.strip() for x in value.split(",") if x.strip()]


def _source(section: str) -> Carry:
    """Return the rule for metadata options of one driver; those of other drivers are not used."""

    def carry(found: _Import, value: str) -> None:
        if section == found.driver_section:
            found.metadata["source"] = value
        else:
            found.note("repo", value, "its driver is not in use", section)

    return carry


def _info_files(section: str) -> Carry:
    def carry(found: _Import, value: str) -> None:
        files = [x.strip() for x in value.split(",") if x.strip()]
        if section != found.driver_section or not files:
            found.note("info_files", value, "its driver is not in use", section)
            return
        found.metadata["file"] = files[0]
        if len(files) > 1:
            reason = f"only {files[0]} is used; write a file that imports all of them"
            found.note("info_files", value, reason, section)

    return carry


def _versions(found: _Import, value: str) -> None:
    found.follow["versions"] = [x.strip() for x in value.split(",") if x.strip()]


def _put_upstream_spec(found: _Import, value: str) -> None:
    found.follow["use-upstream-spec"] = found.truth("use_upstream_spec", value)


def _put_replacements(found: _Import, value: str) -> None:
    found.follow["spec-replace"] = [x for x in value.split(",") if x]


def _own_branch(found: _Import, value: str) -> None:
    option = "downstream_distro_branch"
    if found.driver_section != "downstream_driver":
        found.note(option, value, "its driver is not in use", "downstream_driver")
        return
    if before := found.target.get("distgit-branch"):
        found.note("distro", before, f"{option} overrides it")
    found.target["distgit-branch"] = value


def _folders(option: str, key: str) -> Carry:
    def carry(found: _Import, value: str) -> None:
        if found.driver_section == "gitrepo_driver":
            found.metadata[key] = [x.strip() for x in value.split(",") if x.strip()]
        else:
            found.note(option, value, "its driver is not in use", "gitrepo_driver")

    return carry


def _package_driver(found: _Import, value: str) -> None:
    section = _DRIVER_SECTIONS.get(value)
    if section == "gitrepo_driver":
        found.metadata["layout"] = "folders"
        found.note("pkginfo_driver", value, "rdo builds from a .spec and does not render .spec.j2")
    elif section == "local_driver":
        found.metadata |= {"layout": "local", "source": "."}
        found.note(
            "pkginfo_driver", value, "`rdo build SPEC` builds one spec without a configuration"
        )
    elif section == "downstream_driver":
        found.note("pkginfo_driver", value, "converted to a target that follows another instance")
    elif section is None:
        found.note("pkginfo_driver", value, f"{_NOT_YET}; the metadata is read as rdoinfo")


def _numbering(found: _Import, value: str) -> None:
    if value in ("0.date.hash", "0.1.date.hash", "minor.date.hash"):
        found.target["numbering"] = value
    else:
        found.note("release_numbering", value, "unknown numbering; 0.date.hash is used")


def _database(found: _Import, value: str) -> None:
    reason = (
        'rdo has its own tables, in data/rdo.sqlite; "database" may name another, empty database'
    )
    scheme, _, place = value.partition("://")
    without_secret = f"{scheme}://…@{place.rpartition('@')[2]}" if "@" in place else value
    found.note("database_connection", without_secret, reason)


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("._-") or "x"


def _lines(values: Mapping[str, Any]) -> list[str]:
    # TOML accepts JSON's strings, numbers, lists and booleans
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]


_CARRIED: dict[tuple[str, str], Carry] = {
    ("DEFAULT", "datadir"): _data,
    ("DEFAULT", "baseurl"): _put("target", "url"),
    ("DEFAULT", "distro"): _put("target", "distgit-branch"),
    ("DEFAULT", "source"): _put("target", "upstream-branch"),
    ("DEFAULT", "target"): _mock_template,
    ("DEFAULT", "reponame"): _put("target", "reponame"),
    ("DEFAULT", "project_name"): _put("target", "project-name"),
    ("DEFAULT", "tags"): _put("target", "release"),
    ("DEFAULT", "smtpserver"): _server,
    ("DEFAULT", "gerrit"): _gerrit,
    ("DEFAULT", "gerrit_topic"): _gerrit_topic,
    ("DEFAULT", "maxretries"): _put_number("retries", "maxretries"),
    ("DEFAULT", "workers"): _put_number("workers", "workers"),
    ("DEFAULT", "database_connection"): _database,
    ("DEFAULT", "fallback_to_master"): _put_truth("fallback-to-master", "fallback_to_master"),
    ("DEFAULT", "nonfallback_branches"): _branches,
    ("DEFAULT", "use_components"): _put_truth("components", "use_components"),
    ("DEFAULT", "include_srpm_in_repo"): _only(
        "include_srpm_in_repo", "true", "rdo publishes source RPMs with the others"
    ),
    ("DEFAULT", "release_numbering"): _numbering,
    ("DEFAULT", "release_minor"): _put_number("release-minor", "release_minor"),
    ("DEFAULT", "keep_changelog"): _put_truth("keep-changelog", "keep_changelog"),
    ("DEFAULT", "pkginfo_driver"): _package_driver,
    ("DEFAULT", "build_driver"): _only(
        "build_driver", "dlrn.drivers.mockdriver.MockBuildDriver", _BUILT_IN
    ),
    ("rdoinfo_driver", "repo"): _source("rdoinfo_driver"),
    ("rdoinfo_driver", "info_files"): _info_files("rdoinfo_driver"),
    ("gitrepo_driver", "repo"): _source("gitrepo_driver"),
    ("gitrepo_driver", "directory"): _folders("directory", "directories"),
    ("gitrepo_driver", "skip"): _folders("skip", "skip"),
    ("downstream_driver", "repo"): _source("downstream_driver"),
    ("downstream_driver", "info_files"): _info_files("downstream_driver"),
    ("downstream_driver", "versions_url"): _versions,
    ("downstream_driver", "downstream_distgit_key"): _put("follow", "distgit-key"),
    ("downstream_driver", "downstream_tag"): _put("follow", "tag"),
    ("downstream_driver", "downstream_source_git_key"): _put("follow", "source-git-key"),
    ("downstream_driver", "downstream_source_git_branch"): _put("follow", "source-git-branch"),
    ("downstream_driver", "use_upstream_spec"): _put_upstream_spec,
    ("downstream_driver", "downstream_spec_replace_list"): _put_replacements,
    ("downstream_driver", "downstream_distro_branch"): _own_branch,
}
