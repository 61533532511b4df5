from rdo.config.lines import key_lines

TEXT = '''\
# a comment
a = 1
b."c d".e = "x"  # with a = 2

[t]
list = [
  "[not.a.table]",
  2,
]
text = """
[nor.this]
k = 1
"""
[t.u]
k.l = { m = 1 }
'''


def test_every_key_has_the_line_where_its_statement_starts() -> None:
    assert key_lines(TEXT) == {
        ("a",): 2,
        ("b",): 3,
        ("b", "c d"): 3,
        ("b", "c d", "e"): 3,
        ("t",): 5,
        ("t", "list"): 6,
        ("t", "text"): 10,
        ("t", "u"): 14,
        ("t", "u", "k"): 15,
        ("t", "u", "k", "l"): 15,
        ("t", "u", "k", "l", "m"): 15,
    }
