import pytest

from rdo.model.nevra import Nevra


@pytest.mark.parametrize(
    "text",
    [
        "openstack-nova-30.0.0-0.20260801120000.abcdef0.el9.noarch",
        "1:bar-9-123a.ia64",
        "python3.noarch-compat-1.0-1.noarch",
    ],
)
def test_parse_and_str_are_inverse(text: str) -> None:
    assert str(Nevra.parse(text)) == text


@pytest.mark.parametrize("text", ["", "foo", "foo-1", "foo-1-1", "a-b-c", "x:a-1-1.noarch"])
def test_parse_rejects_what_is_no_nevra(text: str) -> None:
    with pytest.raises(ValueError, match="not a NEVRA"):
        Nevra.parse(text)
