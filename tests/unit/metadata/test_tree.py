import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rdo.metadata import MetadataError
from rdo.metadata.tree import MAX_BYTES, Files

TEXT = """\
# a comment
a: 1
b:
  c: [x, "2", 2.5, yes, ~]
  d: {e: 'f'}
when: 2026-01-02
"""


def test_values_are_those_of_safe_yaml() -> None:
    assert Files().parse("f.yml", TEXT.encode()) == yaml.safe_load(TEXT)


def test_every_key_and_item_knows_its_line() -> None:
    files = Files()
    files.parse("first.yml", b"x: 1\n")
    tree = files.parse("f.yml", TEXT.encode())

    assert str(files.where(tree.places["b"])) == "f.yml:3"
    assert str(files.where(tree["b"].places["d"])) == "f.yml:5"
    assert str(files.where(tree["b"]["c"].places[1])) == "f.yml:4"


scalars = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"))
trees = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), trees, max_size=5))
def test_whatever_yaml_writes_is_read_as_yaml_reads_it(tree: dict[str, object]) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True)

    assert Files().parse("f.yml", text.encode()) == yaml.safe_load(text)


def test_a_merge_key_gives_what_the_mapping_lacks() -> None:
    text = "base: &base {a: 1, b: 2}\nthing:\n  b: 3\n  <<: *base\n"

    tree = Files().parse("f.yml", text.encode())

    assert tree == yaml.safe_load(text)


def test_an_empty_file_is_an_empty_tree() -> None:
    assert Files().parse("f.yml", b"# nothing\n") == {}


def test_a_key_written_twice_is_noted() -> None:
    files = Files()

    assert files.parse("f.yml", b"a: 1\nb: 2\na: 3\n") == {"a": 3, "b": 2}

    assert [str(fault) for fault in files.oddities] == [
        'f.yml:3: "a" is written twice; the second replaces the first'
    ]


BOMB = b"a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: 1\nb: [c\n", "f.yml:2: "),
        (b"a:\n\tb: 1\n", "f.yml:2: "),
        (b"a: *b\n", "f.yml:1: "),
        (b"\n- a\n", "f.yml:2: the top of the file must be a mapping"),
        (b"a:\n  b: \xff\xfe\n", "f.yml:2: not UTF-8"),
        ("é: 1\nb: \x01\n".encode(), "f.yml:2: the character U+0001 is not allowed"),
        (b"a: \x00" + b"[" * 200, "f.yml:1: the character U+0000 is not allowed"),
        (b"a:\n- !!python/object/apply:os.getpid []\n", "f.yml:2: the tag !!python/object/apply:"),
        (b"a: !!python/name:os.system ''\n", "f.yml:1: the tag !!python/name:os.system is not"),
        (b"a: !!set {x}\n", "f.yml:1: the tag !!set is not allowed"),
        (b"a: !mine x\n", "f.yml:1: the tag !mine is not allowed"),
        (b"? [a]\n: b\n", "f.yml:1: a key must be a text"),
        (b"a: 2026-13-01\n", "f.yml:1: '2026-13-01': "),
        (b"a: &a [*a]\n", "f.yml:1: an alias refers to the node that contains it"),
        (b"a: 1\n--- \nb: 2\n", "f.yml:2: "),
        (BOMB, "f.yml:7: aliases unfold to more than 64 MB"),
        (b"[" * 200_000, "f.yml:1: nested more than 100 levels deep"),
        (b"a:\n  " + b"- " * 5000 + b"x", "f.yml:2: nested more than 100 levels deep"),
        (b"a:\n " + b"x" * MAX_BYTES, "f.yml:2: larger than 32 MB"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(content: bytes, said: str) -> None:
    with pytest.raises(MetadataError) as caught:
        Files().parse("f.yml", content)

    assert str(caught.value).startswith(said)
    assert len(str(caught.value)) > len("f.yml:1: ")  # what libyaml finds, it says in its own words
    assert "\n" not in str(caught.value)


def test_many_brackets_without_depth_are_fine() -> None:
    text = "a:\n" + "- '[{'\n" * 200

    assert len(Files().parse("f.yml", text.encode())["a"]) == 200
