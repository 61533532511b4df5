"""DLRN's endpoints of promotions: where promotion names have pointed, and moving them.

Errors of a request are raised as ApiError, which becomes the answer.
"""

from typing import Any

from starlette.responses import Response

from rdo.access.roles import Login
from rdo.errors import NotFoundError, RefusedError
from rdo.model.commit import Commit
from rdo.promotion.promoting import check_signed, end_held
from rdo.publish.names import CONSISTENT, CURRENT, check_promotion_name
from rdo.store.given.names import Promotion
from rdo.store.given.repositories import Repository
from rdo.store.work.builds import Build
from rdo.web.answers import ApiError, json_answer
from rdo.web.dlrn.commits import (
    NOT_FOUND,
    Hashes,
    extended_hash,
    needed_build,
    needed_repository,
)
from rdo.web.dlrn.endpoint import Endpoint
from rdo.web.dlrn.inputs import MISSING, Inputs, body_of_post
from rdo.web.handling import HttpRequest

_OWN_NAMES = frozenset({CURRENT, CONSISTENT})
_PURGED = "commit_hash+distro_hash+extended_hash has been purged, cannot promote it"
_MOST_AT_ONCE = 1000


def promotions(endpoint: Endpoint, inputs: Inputs) -> Response:
    """List the moves of promotion names to hash repositories, newest first."""
    offset, limit = inputs.count("offset", 0), inputs.limit()
    commit, distro = inputs.text("commit_hash"), inputs.text("distro_hash")
    if bool(commit) != bool(distro):
        raise ApiError(400, "Both commit_hash and distro_hash must be specified if any of them is.")
    with endpoint.service.store.read() as at:
        builds = None
        if commit and distro:
            hashes = Hashes(commit, distro, extended_hash(inputs))
            builds = [needed_build(at, endpoint.target, hashes).id]
        component = inputs.text("component")
        if component == "":  # no promotion has an empty component; without components it is null
            return json_answer([])
        found = at.names.promotions(
            endpoint.target,
            name=inputs.text("promote_name"),
            component=component,
            build_ids=builds,
            aggregate=inputs.text("aggregate_hash"),
            of_builds=True,
            offset=offset,
            limit=limit,
        )
    return json_answer([_listed(endpoint, one, one.commit) for one in found if one.commit])


def components(endpoint: Endpoint) -> Response:
    """List the components that a promotion name points to."""
    with endpoint.service.store.read() as at:
        return json_answer({"components": list(at.names.promoted_components(endpoint.target))})


def promote(endpoint: Endpoint, asked: HttpRequest, login: Login) -> Response:
    """Point a promotion name to the hash repository of a commit."""
    inputs = Inputs.of_post(asked)
    if not inputs.has("commit_hash", "distro_hash", "promote_name"):
        raise ApiError(400, MISSING)
    hashes, [name] = Hashes.read(inputs), inputs.needed("promote_name")
    if name in _OWN_NAMES:
        raise ApiError(403, f"Invalid promote_name {name}")
    with endpoint.service.store.read() as at:
        build = needed_build(at, endpoint.target, hashes)
        repository = needed_repository(at, build, _PURGED)
    return _promote(endpoint, asked, login, [(name, build, repository)])


def promote_batch(endpoint: Endpoint, asked: HttpRequest, login: Login) -> Response:
    """Point promotion names to several hash repositories, all of them or none."""
    body = body_of_post(asked)
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise ApiError(400, "the body is not a list of JSON objects")
    if not body or len(body) > _MOST_AT_ONCE:
        raise ApiError(400, MISSING if not body else f"more than {_MOST_AT_ONCE} promotions")
    asked_for = [Inputs(one) for one in body]
    if not all(one.has("commit_hash", "distro_hash", "promote_name") for one in asked_for):
        raise ApiError(400, MISSING)
    found = []
    with endpoint.service.store.read() as at:
        for inputs in asked_for:
            hashes, [name] = Hashes.read(inputs), inputs.needed("promote_name")
            if name in _OWN_NAMES:
                where = f"{hashes.commit}_{hashes.distro}"
                raise ApiError(403, f"Invalid promote_name {name} for hash {where}")
            build = needed_build(at, endpoint.target, hashes, f"{NOT_FOUND} for {hashes}")
            purged = _PURGED.replace(" has been", f" {hashes} has been")
            found.append((name, build, needed_repository(at, build, purged)))
            _check_name(name)
    return _promote(endpoint, asked, login, found)


def _check_name(name: str) -> None:
    try:
        check_promotion_name(name)
    except RefusedError:
        raise ApiError(403, f"Invalid promote_name {name}") from None


def _promote(
    endpoint: Endpoint,
    asked: HttpRequest,
    login: Login,
    wanted: list[tuple[str, Build, Repository]],
) -> Response:
    """Move the names in one step; answer with the last one, as DLRN does."""
    name, build, repository = wanted[-1]
    now, tree = endpoint.service.app.now(), endpoint.service.tree(endpoint.target)
    moves = [(one, place) for one, _, place in wanted]
    try:
        check_signed(tree, [place for _, place in moves])
    except RefusedError as error:
        raise ApiError(403, str(error)) from None
    try:
        tree.promote_all(
            moves,
            by=login.user,
            why="by DLRN's API",
            record=lambda at: end_held(at, moves, now=now),
        )
    except RefusedError:
        names = ", ".join(dict.fromkeys(one for one, _, _ in wanted))
        raise ApiError(403, f"Invalid promote_name {names}") from None
    except NotFoundError:
        raise ApiError(410, _PURGED) from None
    endpoint.service.tell()
    for one, _, place in wanted:
        endpoint.record(asked, login, "promote", f"{one} to {place.path}")
    with endpoint.service.store.read() as at:
        aggregate = at.names.aggregate(endpoint.target, name)
    answer = {
        **_repository(endpoint, build.commit, repository),
        "promote_name": name,
        "component": repository.component,
        "timestamp": float(int(now.timestamp())),
        "user": login.user,
        "aggregate_hash": aggregate or None,
    }
    return json_answer(answer, 201)


def _listed(endpoint: Endpoint, promotion: Promotion, commit: Commit) -> dict[str, Any]:
    return {
        "timestamp": int(promotion.moved.timestamp()),
        **_repository(endpoint, commit, promotion.repository),
        "aggregate_hash": promotion.aggregate or None,
        "promote_name": promotion.name,
        "component": promotion.repository.component,
        "user": promotion.by or None,
    }


def _repository(endpoint: Endpoint, commit: Commit, repository: Repository) -> dict[str, Any]:
    url = endpoint.service.settings.tree_url(endpoint.target)
    return {
        "commit_hash": commit.upstream_hash,
        "distro_hash": commit.distgit_hash,
        "extended_hash": commit.extended_hash,
        "repo_hash": f"{commit.upstream_hash}_{commit.distgit_hash[:8]}",
        "repo_url": f"{url}/{repository.path}",
    }
