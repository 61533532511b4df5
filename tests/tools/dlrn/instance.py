"""Make a running instance of DLRN 0.26.1, by DLRN's own code, and record what its API answers.

This program runs in a virtual environment that has DLRN: `instance.py PLAN`. PLAN is a JSON file:
`folder` is where the instance is made, `database` the URL of its database (by default a file of
SQLite in the folder), `packages` are the rows of its metadata, `builds` what it builds in turn,
`changes` what its API is asked to change, `reads` what it is asked at the end; the answers are
written to `answers.json` in the folder. `FOLDER-before` is a copy of the instance from before its
API was asked for anything.
"""

import base64
import json
import os
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

PASSWORD = "a password of old"
INI = """\
[DEFAULT]
datadir={folder}
scriptsdir={folder}
configdir={folder}
baseurl=https://trunk.example.test/repos
distro=rpm-master
source=master
target=deb12
reponame=delorean
project_name=RDO
tags=master
smtpserver=
maxretries=3
use_components={components}
database_connection={database}
pkginfo_driver=dlrn.drivers.rdoinfo.RdoInfoDriver
[rdoinfo_driver]
repo=https://example.test/rdoinfo
"""


def main(plan: dict[str, Any]) -> None:
    """Make the instance that a plan describes."""
    folder = Path(plan["folder"])
    (folder / "repos").mkdir(parents=True)
    components = any(one.get("component") for one in plan["packages"])
    ini = folder / "projects.ini"
    database = plan.get("database") or f"sqlite:///{folder}/commits.sqlite"
    ini.write_text(INI.format(folder=folder, components=components, database=database))
    settings = folder / "api.py"
    settings.write_text(f"DB_PATH={database!r}\nREPO_PATH='{folder}/repos'\nCONFIG_FILE='{ini}'\n")
    os.environ["CONFIG_FILE"] = str(settings)
    os.chdir(folder)
    Instance(folder, ini, database, plan["packages"]).carry_out(plan)


class Instance:
    """DLRN with its configuration, its database and the packages that it builds."""

    def __init__(
        self, folder: Path, ini: Path, database: str, packages: list[dict[str, Any]]
    ) -> None:
        import configparser

        from dlrn import config, db

        parser = configparser.RawConfigParser()
        parser.read(ini)
        self.options = config.ConfigOptions(parser)
        self.folder, self.packages, self.db = folder, packages, db
        self.session = db.getSession(database)

    def carry_out(self, plan: dict[str, Any]) -> None:
        """Build, vote, promote, and ask."""
        from passlib.hash import sha512_crypt

        hashed = sha512_crypt.hash(PASSWORD)
        for name in ("ciuser", "promoter"):
            self.session.add(self.db.User(username=name, password=hashed))
        self.session.commit()
        for build in plan["builds"]:
            self.build(build)
        from dlrn.api import app, dlrn_api

        class Packages:
            def __init__(self, **_: Any) -> None: ...

            def getpackages(inner, **_: Any) -> list[dict[str, Any]]:
                return self.packages

        dlrn_api.import_object = lambda *_args, **_more: Packages()
        app.config["PROPAGATE_EXCEPTIONS"] = False  # an exception is answered by 500
        client = app.test_client()
        self.session.remove()
        shutil.copytree(self.folder, f"{self.folder}-before", symlinks=True)
        changes = [ask(client, one) for one in plan["changes"]]
        for number in plan.get("purged", []):
            self.purge(number)
        reads = [ask(client, one) for one in plan["reads"]]
        self.session.remove()
        (self.folder / "answers.json").write_text(json.dumps({"changes": changes, "reads": reads}))

    def build(self, build: dict[str, Any]) -> None:
        """Record a build and publish it, as DLRN does when its build driver has ended."""
        from dlrn import shell

        names = ("project_name", "commit_hash", "distro_hash", "extended_hash", "component")
        values = {name: build.get(name) for name in names}
        commit = self.db.Commit(
            **values,
            type="rpm",
            flags=0,
            commit_branch=build.get("commit_branch", "master"),
            dt_commit=build["committed"] - 7200,
            dt_distro=build["committed"] - 3600,
            dt_extended=build["committed"] - 1800 if build.get("extended_hash") else 0,
            dt_build=build["time"],
            repo_dir=f"{self.folder}/{build['project_name']}",
            distgit_dir=f"{self.folder}/{build['project_name']}_distro",
        )
        place = Path("repos") / commit.getshardedcommitdir()
        shutil.rmtree(self.folder / place, ignore_errors=True)
        (self.folder / place).mkdir(parents=True)
        (self.folder / place / "rpmbuild.log").write_text(build.get("log", "built\n"))
        if not build.get("rpms"):
            status = [commit, [], "", Exception(build.get("error", "it does not compile"))]
            shell.process_build_result(status, self.packages, self.session, [])
            return
        rpms = []
        for rpm in build["rpms"]:
            shutil.copyfile(rpm, self.folder / place / Path(rpm).name)
            rpms.append(str(place / Path(rpm).name))
        installed = f"{commit.project_name} {commit.commit_hash} {commit.distro_hash}"
        (self.folder / place / "installed").write_text(installed)
        status = [commit, rpms, "OK", None]
        failures = shell.post_build(status, self.packages, self.session)
        shell.process_build_result(
            status, self.packages, self.session, [], consistent=failures == 0, failures=failures
        )

    def purge(self, number: int) -> None:
        """Remove a commit's repository, as dlrn-purge does."""
        commit = self.session.get(self.db.Commit, number)
        commit.flags |= 2
        shutil.rmtree(self.folder / "repos" / commit.getshardedcommitdir())
        self.session.commit()


def ask(client: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Send a request, and return it with its answer."""
    headers = {}
    if user := asked.get("user"):
        word = base64.b64encode(f"{user}:{asked.get('password', PASSWORD)}".encode()).decode()
        headers["Authorization"] = f"Basic {word}"
    more = {"json": asked["json"]} if "json" in asked else {}
    if "text" in asked:
        more = {"data": asked["text"], "content_type": asked["type"]}
    answer = client.open(
        f"/api/{asked['path']}",
        method=asked.get("method", "GET"),
        query_string=asked.get("query"),
        headers=headers,
        **more,
    )
    return {**asked, "status": answer.status_code, "answer": answer.get_json(silent=True)}


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
