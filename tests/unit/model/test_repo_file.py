"""Sections of .repo files."""

from configparser import ConfigParser
from dataclasses import replace

import pytest

from rdo.model.repo_file import RepoSection, repo_file

SECTION = RepoSection("deps", "what came from outside", ("file:///srv/deps",), priority=50)


def test_a_section_has_the_lines_that_dnf_reads() -> None:
    assert str(SECTION) == (
        "[deps]\nname=what came from outside\nbaseurl=file:///srv/deps\n"
        "enabled=1\ngpgcheck=0\npriority=50\n"
    )


def test_every_value_of_a_section_is_read_back() -> None:
    section = RepoSection(
        "base",
        "base",
        ("https://one.example.org/", "https://two.example.org/"),
        gpgcheck=True,
        gpgkey=("file:///a", "file:///b"),
        exclude=("x", "y*"),
        module_hotfixes=True,
    )
    parser = ConfigParser(interpolation=None)

    parser.read_string(
        repo_file([section, replace(SECTION, metalink="https://m.example.org/?a=1&b=2")])
    )

    read = {name: dict(parser[name]) for name in parser.sections()}
    assert read == {
        "base": {
            "name": "base",
            "baseurl": "https://one.example.org/\nhttps://two.example.org/",
            "enabled": "1",
            "gpgcheck": "1",
            "gpgkey": "file:///a\nfile:///b",
            "priority": "99",
            "exclude": "x y*",
            "module_hotfixes": "1",
        },
        "deps": {
            "name": "what came from outside",
            "baseurl": "file:///srv/deps",
            "metalink": "https://m.example.org/?a=1&b=2",
            "enabled": "1",
            "gpgcheck": "0",
            "priority": "50",
        },
    }


def test_sections_have_an_empty_line_between_them() -> None:
    assert repo_file([]) == ""
    assert repo_file([SECTION, SECTION]) == f"{SECTION}\n{SECTION}"


@pytest.mark.parametrize("line_end", ["\n", "\r", "\x85", "\u2028"])
@pytest.mark.parametrize("field", ["id", "name", "metalink", "mirrorlist"])
def test_no_value_can_begin_a_line(field: str, line_end: str) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        replace(SECTION, **{field: f"x{line_end}"})  # type: ignore[arg-type]  # text fields alone


@pytest.mark.parametrize("field", ["baseurl", "gpgkey", "exclude"])
def test_no_value_of_a_list_can_begin_a_line(field: str) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        replace(SECTION, **{field: ("fine", "file:///x\n[other]")})  # type: ignore[arg-type]  # lists alone


@pytest.mark.parametrize("name", ["", "a]", "[a", "a b"])
def test_what_cannot_be_a_section_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be called"):
        replace(SECTION, id=name)
