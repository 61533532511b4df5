"""Make the jobs that builders get: all they need to know about target, sources and spec."""

from collections.abc import Sequence
from pathlib import Path

from rdo.model.build import BuildJob
from rdo.store.work.builds import Build
from rdo.trunk.context import Trunk
from rdo.trunk.order import twins


def build_job(trunk: Trunk, build: Build, last_resort: Sequence[Path] = ()) -> BuildJob:
    """Return the job of a build, with the current repositories of the target."""
    package = trunk.packages[build.package]
    return BuildJob(
        id=build.id,
        commit=build.commit,
        release=trunk.release_number(build.commit, build.release_date),
        upstream=trunk.remotes.upstream(package, build.commit).path,
        distgit=trunk.remotes.distgit(package).path,
        folder=trunk.build_folder(build),
        repositories=trunk.tree.current_directories(),
        distgit_path=package.distgit_path,
        version_from=package.version_from,
        bootstrap=build.bootstrap,
        skip_tests=bool(package.skip_tests),
        last_resort=tuple(last_resort),
        spec_hash=package.spec_hash(build.commit),
        keep_changelog=trunk.keep_changelog,
        overlay=trunk.remotes.overlay(package, build.commit.distgit_hash),
        shared=trunk.archives,
        donor=trunk.store.ask(lambda at: twins.donor(trunk, at, build)),
    )
