import pytest

from rdo.trunk.sources.branches import Branch, BranchRules, find


def refs(*names: str) -> dict[str, str]:
    return {name: f"hash of {name}" for name in names}


@pytest.mark.parametrize(
    ("existing", "wished", "built"),
    [
        (("heads/stable/1", "heads/master"), "stable/1", "heads/stable/1"),
        (
            ("heads/unmaintained/1", "tags/1-eol", "heads/master"),
            "stable/1",
            "heads/unmaintained/1",
        ),
        (("tags/1-eol", "heads/master"), "stable/1", "tags/1-eol"),
        (("heads/master", "heads/main"), "stable/1", "heads/master"),
        (("heads/main",), "stable/1", "heads/main"),
        (("heads/main",), "master", None),
        (("tags/1.0",), "1.0", "tags/1.0"),
    ],
)
def test_what_is_built_for_an_upstream_branch(
    existing: tuple[str, ...], wished: str, built: str | None
) -> None:
    branch = BranchRules().upstream(refs(*(f"refs/{name}" for name in existing)), wished)

    assert (branch and branch.hash) == (built and f"hash of refs/{built}")


@pytest.mark.parametrize(
    ("existing", "wished", "built"),
    [
        (("rpm-master", "one-rdo"), "one-rdo", "one-rdo"),
        (("rpm-master",), "one-rdo", "rpm-master"),
        (("master",), "one-rdo", None),
        (("one-rdo",), "rpm-master", None),
        (("rpm-master",), "fedora", None),
    ],
)
def test_what_is_built_for_a_distgit_branch(
    existing: tuple[str, ...], wished: str, built: str | None
) -> None:
    found = BranchRules().distgit(refs(*(f"refs/heads/{name}" for name in existing)), wished)

    assert (found and found.name) == built


def test_without_fallback_to_master_only_the_renamed_branch_counts() -> None:
    rules = BranchRules(fallback_to_master=False)

    assert rules.upstream(refs("refs/heads/master"), "stable/1") is None
    assert rules.distgit(refs("refs/heads/rpm-master"), "one-rdo") is None
    assert rules.upstream(refs("refs/heads/unmaintained/1"), "stable/1") is not None


def test_a_nonfallback_branch_is_never_replaced() -> None:
    rules = BranchRules(nonfallback=("^stable/",))

    assert rules.upstream(refs("refs/heads/unmaintained/1"), "stable/1") is None
    assert rules.upstream(refs("refs/heads/main"), "master") == Branch(
        "main", "hash of refs/heads/main"
    )


def test_a_nonfallback_branch_of_a_distgit_is_never_replaced_either() -> None:
    rules = BranchRules(nonfallback=("^one-rdo$",))

    assert rules.distgit(refs("refs/heads/rpm-master"), "one-rdo") is None
    assert rules.distgit(refs("refs/heads/rpm-master"), "two-rdo") is not None


def test_a_branch_without_a_release_in_its_name_has_no_tag_of_its_end() -> None:
    assert (
        BranchRules().upstream(refs("refs/tags/-eol", "refs/heads/unmaintained/"), "stable/")
        is None
    )


def test_an_annotated_tag_means_its_commit() -> None:
    assert find(refs("refs/tags/1.0", "refs/tags/1.0^{}"), "1.0") == Branch(
        "1.0", "hash of refs/tags/1.0^{}"
    )


def test_no_master_stands_in_for_the_branch_of_a_stable_release() -> None:
    rules = BranchRules(upstream_falls_back=False)
    refs = {"refs/heads/main": "1" * 40, "refs/heads/rpm-master": "2" * 40}

    assert rules.upstream(refs, "stable/2026.1") is None
    assert rules.distgit(refs, "2026.1-rdo") == Branch("rpm-master", "2" * 40)
