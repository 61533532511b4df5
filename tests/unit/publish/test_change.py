from pathlib import Path

from rdo.publish.change import Aggregate, Link, TreeChange, carry_out


def test_a_change_comes_back_from_json_as_it_was() -> None:
    change = TreeChange(
        place="aa/bb/x",
        fresh=".publishing/1",
        inode=7,
        links=(Link("current", "aa/bb/x"),),
        aggregates=(Aggregate("current", ("component/a/x", "component/b/x")),),
        reponame="other",
    )

    assert TreeChange.from_json(change.to_json()) == change


def test_carrying_out_twice_ends_the_same(tmp_path: Path) -> None:
    old, fresh = tmp_path / "aa/x", tmp_path / ".publishing/1"
    for folder, text in ((old, "old"), (fresh, "new")):
        folder.mkdir(parents=True)
        (folder / "file").write_text(text)
    change = TreeChange("aa/x", ".publishing/1", fresh.stat().st_ino, (Link("current", "aa/x"),))

    for _ in range(2):
        carry_out(change, tmp_path)

        assert (tmp_path / "current/file").read_text() == "new"
        assert not fresh.exists()


def test_an_aggregate_takes_the_place_of_a_link_from_before_components(tmp_path: Path) -> None:
    part = tmp_path / "component/a/x"
    part.mkdir(parents=True)
    (part / "delorean.repo").write_text("[a]\n")
    (part / "versions.csv").write_text("")
    (tmp_path / "current").symlink_to("component/a/x")

    carry_out(TreeChange(aggregates=(Aggregate("current", ("component/a/x",)),)), tmp_path)

    assert not (tmp_path / "current").is_symlink()
    assert (tmp_path / "current/delorean.repo").read_text() == "[a]\n\n"
    assert {entry.name for entry in part.iterdir()} == {"delorean.repo", "versions.csv"}
