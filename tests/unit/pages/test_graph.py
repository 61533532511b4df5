from rdo.pages.graph import WIDTH, graph


def test_what_is_required_is_left_and_what_requires_it_right() -> None:
    made = graph("nova", [("pbr", "good"), ("oslo", "bad")], [("tempest", "")], "good")

    assert [box.name for box in made.requires] == ["oslo", "pbr"]  # the failing one first
    assert all(box.right < made.centre.x for box in made.requires)
    assert made.required_by[0].x > made.centre.right
    assert made.required_by[0].right <= WIDTH
    assert made.required_by[0].middle == made.centre.middle  # one alone is beside it
    assert len(made.edges) == 3
    assert all(box.y + box.height <= made.height for box in (*made.requires, made.centre))


def test_a_long_list_ends_in_a_count_and_keeps_those_that_fail() -> None:
    names = [(f"p{number:03}", "good") for number in range(100)]
    names[90] = ("p090", "bad")

    made = graph("nova", names, [])

    assert len(made.requires) == 25
    assert made.requires[0].name == "p090"
    assert (made.requires[-1].label, made.requires[-1].page) == ("and 76 more", False)


def test_a_package_without_neighbours_is_alone() -> None:
    made = graph("x" * 200, [], [])

    assert made.edges == []
    assert len(made.centre.label) == 30
