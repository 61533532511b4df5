"""Whatever stands in the files: an answer or a UserError, never a traceback."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rdo import metadata
from rdo.errors import UserError
from rdo.metadata import queries
from rdo.metadata.checking.rules import PACKAGE_KEYS, RELEASE_KEYS, REPO_KEYS
from rdo.metadata.checking.verify import verify
from rdo.metadata.editing.branching import new_release, remove_release
from rdo.metadata.editing.changes import changes
from rdo.metadata.editing.draft import Draft
from rdo.metadata.editing.edits import set_release, set_value, tag, untag
from rdo.metadata.explain import explain

from .conftest import Folder

words = st.sampled_from(
    ["a", "oak", "oak-uc", "lib", "x@y.zz", "%(name)s", "100%", "", "../x", "pypi:a"]
)
scalars = st.none() | st.booleans() | st.integers(-1, 3) | st.floats(0, 3) | words
values = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(words, below, max_size=3),
    max_leaves=6,
)


def mapping(keys: tuple[str, ...], usual: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A good mapping of which some keys are replaced by anything."""
    odd = st.dictionaries(st.sampled_from(keys), values, max_size=3)
    return odd.map(lambda changed: usual | changed)


repos = mapping(REPO_KEYS, {"name": "el9", "distrepos": [{"name": "x"}]})
usual_release = {"name": "oak", "branch": "b", "repos": [{"name": "el9"}]}
releases = mapping(RELEASE_KEYS, usual_release) | repos.map(
    lambda repo: {**usual_release, "repos": [repo]}
)
packages = mapping(
    PACKAGE_KEYS,
    {"project": "a", "name": "a", "conf": "lib", "maintainers": ["x@y.zz"], "tags": {"oak": None}},
)
trees = st.fixed_dictionaries(
    {
        "releases": st.lists(releases, max_size=2) | values,
        "packages": st.lists(packages, max_size=3) | values,
        "package-configs": st.fixed_dictionaries({"lib": packages | values}) | values,
        "package-default": packages | values,
        "components": st.just([{"name": "common"}]) | values,
    }
)

ASKED: dict[str, Callable[[metadata.Distribution], object]] = {
    "dump": lambda d: d.dump("oak"),
    "dump as dicts": lambda d: d.dump(as_dicts=True),
    "target": lambda d: d.target("oak"),
    "target on a base OS": lambda d: d.target("oak-uc", "el9"),
    "releases": lambda d: d.releases,
    "components": lambda d: d.components,
    "verify": verify,
    "explain": lambda d: explain(d, "a", "oak"),
    "changes": lambda d: changes(d, d),
    "summary": lambda d: queries.summary(d.dump()),
    "distrepos": lambda d: queries.distrepos(d.dump(), "oak"),
    "tags diff": lambda d: queries.tags_diff({"packages": []}, d.dump()),
    "attr diff": lambda d: queries.attr_diff({"packages": []}, d.dump(), "tags"),
    "maintainers": lambda d: queries.maintainers(d.dump()["packages"]),
    "orphans": lambda d: queries.orphans(d.dump()["packages"], ["x@y.zz"]),
    "find": lambda d: queries.find_package(d.dump()["packages"], "https://x/a"),
    "filter": lambda d: queries.filtered(d.dump()["packages"], [queries.Filter.parse("tags:oak")]),
}

EDITS: tuple[Callable[[Draft], None], ...] = (
    lambda d: set_value(d, "a", "patches", ["x"]),
    lambda d: tag(d, "a", "oak", {}),
    lambda d: untag(d, "a", "oak"),
    lambda d: set_release(d, "oak", "status", "eol"),
    lambda d: new_release(d, "ash", "oak", {}),
    lambda d: remove_release(d, "oak"),
)


@pytest.mark.parametrize("question", ASKED)
@settings(max_examples=50)
@given(tree=trees)
def test_a_question_gets_an_answer_or_an_error(
    folder: Folder, tree: dict[str, Any], question: str
) -> None:
    (folder.path / "main.yml").write_text(json.dumps(tree))

    with contextlib.suppress(UserError):
        ASKED[question](metadata.load(folder.path, "main.yml"))


@settings(max_examples=50)
@given(tree=trees, in_blocks=st.booleans())
def test_an_edit_is_done_or_refused(folder: Folder, tree: dict[str, Any], in_blocks: bool) -> None:
    text = yaml.safe_dump(tree, sort_keys=False) if in_blocks else json.dumps(tree)
    (folder.path / "main.yml").write_text(text)

    for edit in EDITS:
        with contextlib.suppress(UserError):
            edit(Draft(folder.path, "main.yml"))
