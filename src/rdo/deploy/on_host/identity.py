"""The content of keystone: the administrator, projects, users, roles, services and endpoints.

One process reads, compares and changes everything, because each call of the command `openstack`
would take a second.
"""

from collections.abc import Iterator
from typing import Any

from rdo.deploy.on_host.acts import HostFault, Unsure, Wanted, as_user, has_program, run
from rdo.deploy.on_host.reach import must_answer

_INTERFACES = ("public", "internal", "admin")


def look_administrator(wanted: Wanted) -> "list[str]":
    """Return whether the administrator cannot log in with the wanted password."""
    whole = [f"{wanted['user']}: bootstrap of the administrator, keystone's service and endpoints"]
    if not has_program("keystone-manage"):
        return whole
    status = _login(wanted, wanted["user"], wanted["password"], wanted["project"])
    return [] if status == 201 else whole


def make_administrator(wanted: Wanted) -> None:
    """Let keystone create its administrator; this also restores the password and the role."""
    words = ["keystone-manage", "bootstrap", "--bootstrap-username", wanted["user"]]
    words += ["--bootstrap-project-name", wanted["project"], "--bootstrap-role-name", "admin"]
    words += ["--bootstrap-service-name", "keystone", "--bootstrap-region-id", wanted["region"]]
    for interface in _INTERFACES:
        words += [f"--bootstrap-{interface}-url", wanted["url"]]
    # passed in the environment, because everybody can see arguments
    run(*as_user("keystone", *words), env={"OS_BOOTSTRAP_PASSWORD": wanted["password"]})


def look_identity(wanted: Wanted) -> "list[str]":
    """Return what keystone lacks, or has with other values."""
    if not has_program("keystone-manage"):
        return [f"{what}: new" for what, _, _ in _Identity(wanted, None).wishes()]
    return [f"{what}: {how}" for what, how, _ in _Identity(wanted, _session(wanted)).differences()]


def make_identity(wanted: Wanted) -> None:
    """Change what differs."""
    identity = _Identity(wanted, _session(wanted))
    for _what, _how, change in identity.differences():
        change()


class _Identity:
    """The wanted content of keystone, compared with its actual content."""

    def __init__(self, wanted: Wanted, keystone: Any) -> None:
        self.wanted = wanted
        self.keystone = keystone

    def wishes(self) -> "Iterator[tuple[str, str, Any]]":
        """Yield a name for each wanted thing."""
        for kind, rows in (("project", "projects"), ("user", "users"), ("service", "services")):
            for row in self.wanted[rows]:
                yield f"{kind} {row['name']}", "new", row

    def differences(self) -> "Iterator[tuple[str, str, Any]]":
        """Yield each difference, its description, and a function that corrects it.

        A difference is yielded only after the previous ones could be corrected.
        """
        yield from self._named("roles", "role", self.wanted["roles"])
        yield from self._named("projects", "project", self.wanted["projects"])
        yield from self._users()
        yield from self._assignments()
        yield from self._services()

    def _named(self, path: str, kind: str, rows: "list[dict[str, Any]]") -> "Iterator[Any]":
        here = {one["name"] for one in self._list(path)}
        for row in rows:
            if row["name"] not in here:
                body = {**row, **({"domain_id": "default"} if kind == "project" else {})}
                yield f"{kind} {row['name']}", "new", self._poster(path, kind, body)

    def _users(self) -> "Iterator[Any]":
        here = {one["name"]: one for one in self._list("users?domain_id=default")}
        for row in self.wanted["users"]:
            body = {"name": row["name"], "password": row["password"], "domain_id": "default"}
            if row["name"] not in here:
                yield f"user {row['name']}", "new", self._poster("users", "user", body)
                continue
            place = f"users/{here[row['name']]['id']}"
            if not here[row["name"]]["enabled"]:
                yield f"user {row['name']}", "disabled", self._patcher(place, "user", enabled=True)
            # without a project: a missing role is reported on its own
            if _login(self.wanted, row["name"], row["password"], None) == 401:
                change = self._patcher(place, "user", password=row["password"])
                yield f"user {row['name']}", "password", change

    def _assignments(self) -> "Iterator[Any]":
        users = {one["name"]: one["id"] for one in self._list("users?domain_id=default")}
        projects = {one["name"]: one["id"] for one in self._list("projects?domain_id=default")}
        roles = {one["name"]: one["id"] for one in self._list("roles")}
        here = {
            (one["user"]["id"], one["scope"]["project"]["id"], one["role"]["id"])
            for one in self._list("role_assignments")
            if "user" in one and "project" in one["scope"]
        }
        for row in self.wanted["users"]:
            for role in row["roles"]:
                ids = (users.get(row["name"]), projects.get(row["project"]), roles.get(role))
                if ids not in here and all(ids):
                    place = f"projects/{ids[1]}/users/{ids[0]}/roles/{ids[2]}"
                    what = f"user {row['name']}"
                    yield what, f"role {role} in {row['project']}", self._putter(place)
                elif None in ids and row["name"] in users:
                    yield f"user {row['name']}", f"role {role} in {row['project']}", self._later

    def _services(self) -> "Iterator[Any]":
        here = {one["type"]: one for one in self._list("services")}
        for row in self.wanted["services"]:
            body = {"name": row["name"], "type": row["type"]}
            if row["type"] not in here:
                yield f"service {row['name']}", "new", self._poster("services", "service", body)
            elif not here[row["type"]]["enabled"]:
                place = f"services/{here[row['type']]['id']}"
                yield f"service {row['name']}", "off", self._patcher(place, "service", enabled=True)
        yield from self._endpoints({one["type"]: one["id"] for one in self._list("services")})

    def _endpoints(self, services: "dict[str, str]") -> "Iterator[Any]":
        region = self.wanted["region"]
        here = {
            (one["service_id"], one["interface"]): one
            for one in self._list("endpoints")
            if one["region_id"] == region
        }
        for row in self.wanted["services"]:
            service = services.get(row["type"])
            for interface in _INTERFACES if service else ():
                what = f"endpoint {row['name']} {interface}"
                known = here.get((service, interface))
                body = {
                    "service_id": service,
                    "interface": interface,
                    "region_id": region,
                    "url": row["url"],
                }
                if known is None:
                    yield what, "new", self._poster("endpoints", "endpoint", body)
                elif known["url"] != row["url"] or not known["enabled"]:
                    change = self._patcher(
                        f"endpoints/{known['id']}", "endpoint", url=row["url"], enabled=True
                    )
                    how = f"{known['url']}" if known["enabled"] else "off"
                    yield what, how, change

    def _list(self, path: str) -> "list[dict[str, Any]]":
        kind = path.partition("?")[0]
        found: list[dict[str, Any]] = self.keystone.get(f"/{path}").json()[kind]
        return found

    def _poster(self, path: str, kind: str, body: "dict[str, Any]") -> Any:
        return lambda: self.keystone.post(f"/{path}", json={kind: body})

    def _patcher(self, path: str, kind: str, **body: Any) -> Any:
        return lambda: self.keystone.patch(f"/{path}", json={kind: body})

    def _putter(self, path: str) -> Any:
        return lambda: self.keystone.put(f"/{path}")

    def _later(self) -> None:
        """Do nothing: the same run makes what this needs, and compares it afterwards."""


def _session(wanted: Wanted) -> Any:
    """Return a session of keystone's API as the administrator; raise Unsure if unanswered."""
    try:
        from keystoneauth1 import adapter, exceptions, session
        from keystoneauth1.identity import v3
    except ImportError as error:
        raise HostFault(f"python3 there cannot import keystoneauth1: {error}") from None
    must_answer(f"{wanted['auth_url']}/v3", "keystone")
    auth = v3.Password(
        auth_url=f"{wanted['auth_url']}/v3",
        username=wanted["admin"],
        password=wanted["admin_password"],
        project_name=wanted["admin_project"],
        user_domain_id="default",
        project_domain_id="default",
    )
    found = adapter.Adapter(
        session.Session(auth=auth, timeout=60), endpoint_override=f"{wanted['auth_url']}/v3"
    )
    try:
        found.get("/auth/projects")
    except exceptions.Unauthorized:
        raise Unsure("the administrator can log in to keystone") from None
    except (exceptions.ConnectFailure, exceptions.HttpError, exceptions.DiscoveryFailure):
        raise Unsure("keystone answers") from None
    return found


def _login(wanted: Wanted, user: str, password: str, project: "str | None") -> int:
    """Return keystone's HTTP status for a login; raise Unsure if it does not answer."""
    import requests

    who = {"name": user, "domain": {"id": "default"}, "password": password}
    asked: dict[str, Any] = {
        "identity": {"methods": ["password"], "password": {"user": who}},
        "scope": {"project": {"name": project, "domain": {"id": "default"}}}
        if project
        else "unscoped",
    }
    must_answer(f"{wanted['auth_url']}/v3", "keystone")
    try:
        url = f"{wanted['auth_url']}/v3/auth/tokens"
        answer = requests.post(url, json={"auth": asked}, timeout=60)
    except requests.RequestException:
        raise Unsure("keystone answers") from None
    if answer.status_code >= 500:
        raise Unsure("keystone answers")
    return answer.status_code
