from datetime import UTC, datetime
from pathlib import Path

from rdo.dlrn.spec import transform
from rdo.dlrn.versions import version_and_release
from rdo.model.release_number import ReleaseNumber

GOLDEN = Path(__file__).parent / "golden"
NUMBERS = version_and_release(
    "2.1.0.dev7", ReleaseNumber(datetime(2026, 8, 1, tzinfo=UTC), "abcdef0", "0")
)
ARCHIVE = NUMBERS.archive("python-sample")


def test_a_spec_is_numbered_as_dlrn_does() -> None:
    spec = (GOLDEN / "sample.spec").read_text()

    assert transform(spec, NUMBERS, ARCHIVE) == (GOLDEN / "sample-numbered.spec").read_text()


def test_numbering_twice_changes_nothing_more() -> None:
    once = transform((GOLDEN / "sample.spec").read_text(), NUMBERS, ARCHIVE)

    assert transform(once, NUMBERS, ARCHIVE) == once


def test_the_changelog_and_the_archive_can_be_kept() -> None:
    spec = "Source0: x.tar.gz\n%changelog\n* old\n"

    kept = transform(spec, NUMBERS, ARCHIVE, keep_archive=True, keep_changelog=True)

    assert kept.endswith(spec)


def test_sections_and_conditions_around_the_changelog_stay() -> None:
    spec = (
        "Name: x\n%description\nX\f\u2028 y\n%if %{defined autochangelog}\n%changelog\n- one\n"
        "%autochangelog\n%else\n%changelog\n* old\n%endif\n%files\n/x\n"
    )

    assert transform(spec, NUMBERS, ARCHIVE).endswith(
        "%description\nX\f\u2028 y\n%if %{defined autochangelog}\n%changelog\n%else\n%changelog\n"
        "%endif\n%files\n/x\n"
    )


def test_tags_are_found_in_any_case_and_with_blanks() -> None:
    spec = "name: x\nVERSION :  XXX\nrelease:XXX\n"

    assert "Version: 2.1.0\nRelease: 0.20260801000000.abcdef0%{?dist}\n" in transform(
        spec, NUMBERS, ARCHIVE
    )


def test_text_that_looks_like_a_tag_stays() -> None:
    spec = "Version: XXX\n%description\nVersion: one\n%install\necho Release: two\n"

    text = transform(spec, NUMBERS, ARCHIVE)

    assert "%description\nVersion: one\n%install\necho Release: two\n" in text
