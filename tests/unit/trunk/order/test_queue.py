from dataclasses import replace

from rdo.store.work.builds import Build
from rdo.trunk.order.queue import Packages, Queue, in_building_order
from tests.unit.trunk.samples import build


def queue(*names: str, **hints: str) -> Queue:
    """One build per name, with ids from 1; `b="a c"` hints that b needs a and c."""
    builds = [build(id_, name) for id_, name in enumerate(names, 1)]
    return Queue(builds, {name: frozenset(needs.split()) for name, needs in hints.items()})


def ids(builds: list[Build]) -> list[int]:
    return [one.id for one in builds]


def behind(*names: str) -> Packages:
    return frozenset(names)


def test_independent_packages_start_together_in_the_planned_order() -> None:
    todo = queue("a", "b", "c")

    assert ids(todo.take(2)) == [1, 2]
    assert ids(todo.take(2)) == [3]
    assert todo.take(2) == []


def test_the_commits_of_a_package_are_built_one_after_another() -> None:
    todo = queue("a", "a", "b")

    assert ids(todo.take(9)) == [1, 3]
    todo.ended(1, published=True)
    assert ids(todo.take(9)) == [2]


def test_a_retried_commit_comes_before_later_ones_of_its_package() -> None:
    later, other, retried = build(1, "a"), build(2, "b"), replace(build(3, "a"), position=0)

    assert ids(Queue([later, other, retried]).take(9)) == [3, 2]


def test_a_build_behind_another_starts_when_that_is_published() -> None:
    todo = queue("a", "b")
    todo.take(2)
    todo.hold_back(2, behind("a"))
    assert todo.take(9) == []

    todo.ended(1, published=True)

    assert ids(todo.take(9)) == [2]


def test_a_build_behind_a_failed_one_goes_on_waiting() -> None:
    todo = queue("a", "b")
    todo.take(2)
    todo.hold_back(2, behind("a"))

    todo.ended(1, published=False)

    assert todo.take(9) == []
    assert {b.id: names for b, names in todo.waiting().items()} == {2: behind("a")}
    assert todo.cycle() == []


def test_a_build_that_waits_does_not_hold_back_later_commits_of_its_package() -> None:
    todo = queue("a", "b", "b")
    assert ids(todo.take(9)) == [1, 2]

    todo.hold_back(2, behind("a"))

    assert ids(todo.take(9)) == [3]


def test_hints_put_what_is_likely_needed_first() -> None:
    todo = queue("b", "a", b="a")

    assert ids(todo.take(9)) == [2]
    todo.ended(2, published=False)
    assert ids(todo.take(9)) == [1]


def test_hints_count_through_builds_that_wait_themselves() -> None:
    todo = queue("c", "b", "a", c="b")
    assert ids(todo.take(9)) == [2, 3]

    todo.hold_back(2, behind("a"))
    assert todo.take(9) == []

    todo.ended(3, published=True)
    assert ids(todo.take(9)) == [2]


def test_hints_on_what_never_moves_are_ignored() -> None:
    todo = queue("c", "b", c="b x")
    todo.take(1)

    todo.hold_back(2, behind("broken"))

    assert ids(todo.take(9)) == [1]


def test_hints_on_what_never_moves_are_ignored_while_something_runs() -> None:
    todo = queue("runs", "b", "c", c="b")
    assert ids(todo.take(9)) == [1, 2]

    todo.hold_back(2, behind("broken"))

    assert ids(todo.take(9)) == [3]


def test_hints_in_a_cycle_are_no_reason_to_build_nothing() -> None:
    todo = queue("a", "b", a="b", b="a")

    assert ids(todo.take(9)) == [1]
    todo.ended(1, published=True)
    assert ids(todo.take(9)) == [2]


def test_what_is_foreseen_replaces_hints() -> None:
    todo = queue("b", "a", b="a")

    todo.foresee("b", frozenset())

    assert ids(todo.take(9)) == [1, 2]


def test_builds_that_are_foreseen_to_wait_for_each_other_are_tried_together() -> None:
    todo = queue("c", "a", "b")
    for name, needed in (("a", "b"), ("b", "a"), ("c", "a")):
        todo.foresee(name, behind(*needed.split()))

    assert todo.take(9, probe=False) == []
    assert ids(todo.foreseen_cycle()) == [2, 3]
    assert ids(todo.take(9)) == [2, 3]


def test_what_is_foreseen_of_a_cycle_may_wait_for_a_build_that_runs() -> None:
    todo = queue("runs", "a", "b")
    for name, needed in (("a", "b"), ("b", "a runs")):
        todo.foresee(name, behind(*needed.split()))
    assert ids(todo.take(1)) == [1]

    assert todo.foreseen_cycle() == []
    assert todo.take(9) == []

    todo.ended(1, published=True)
    assert ids(todo.foreseen_cycle()) == [2, 3]


def test_a_foreseen_requirement_closes_a_cycle_with_what_a_build_asked_for() -> None:
    todo = queue("top", "config", "client")
    for name, needed in (("top", "client"), ("client", "config")):
        todo.foresee(name, behind(needed))
    assert ids(todo.take(9)) == [2]

    todo.hold_back(2, behind("client"))

    assert ids(todo.foreseen_cycle()) == [2, 3]
    assert ids(todo.take(9)) == [3]


def test_a_foreseen_cycle_is_none_while_another_build_of_a_member_may_start() -> None:
    todo = queue("a", "a", "b")
    todo.foresee("b", behind("a"))
    assert ids(todo.take(1)) == [1]

    todo.hold_back(1, behind("b"))

    assert todo.foreseen_cycle() == []
    assert ids(todo.take(9)) == [2]


def test_a_bootstrap_build_meets_what_was_foreseen_of_others() -> None:
    todo = queue("a", "b")
    todo.foresee("b", behind("a"))

    todo.release("a")

    assert ids(todo.take(9)) == [1, 2]


def test_a_cycle_is_known_while_something_else_runs() -> None:
    todo = queue("runs", "a", "b")
    todo.take(9)

    todo.hold_back(2, behind("b"))
    assert todo.cycle() == []
    todo.hold_back(3, behind("a"))

    assert ids(todo.cycle()) == [2, 3]


def test_a_cycle_is_none_while_another_build_of_a_member_may_start() -> None:
    todo = queue("a", "a", "b")
    todo.take(9)
    todo.hold_back(1, behind("b"))
    todo.hold_back(3, behind("a"))

    assert todo.cycle() == []


def test_a_cycle_is_its_members_and_not_what_waits_for_them() -> None:
    todo = queue("a", "b", "c", "d")
    todo.take(9)
    todo.hold_back(1, behind("b"))
    todo.hold_back(2, behind("c"))
    todo.hold_back(3, behind("a"))
    todo.hold_back(4, behind("a"))

    assert ids(todo.cycle()) == [1, 2, 3]


def test_a_cycle_that_also_waits_for_a_broken_package_is_not_to_blame() -> None:
    todo = queue("a", "b")
    todo.take(9)
    todo.hold_back(1, behind("b", "broken"))
    todo.hold_back(2, behind("a"))

    assert todo.cycle() == []


def test_what_waited_for_a_package_that_is_gone_can_be_released() -> None:
    todo = queue("a", "b")
    todo.take(9)
    todo.hold_back(2, behind("a", "b-bootstrap"))

    todo.release("b-bootstrap")
    todo.ended(1, published=True)

    assert ids(todo.take(9)) == [2]
    assert todo.open_packages == {"b"}


def test_of_two_cycles_the_one_that_waits_for_nothing_else_comes_first() -> None:
    todo = queue("a", "b", "c", "d", "e")
    todo.take(9)
    todo.hold_back(1, behind("b", "c"))
    todo.hold_back(2, behind("a"))
    todo.hold_back(3, behind("d"))
    todo.hold_back(4, behind("c"))
    todo.hold_back(5, behind("a"))

    assert ids(todo.cycle()) == [3, 4]


def test_a_package_may_be_a_cycle_by_itself() -> None:
    todo = queue("a", "b")
    todo.take(9)
    todo.hold_back(1, behind("b"))
    todo.hold_back(2, behind("b"))

    assert ids(todo.cycle()) == [2]


def test_of_a_package_in_a_cycle_the_first_commit_that_waits_counts() -> None:
    todo = queue("a", "a", "b")
    todo.take(9)
    todo.hold_back(1, behind("b"))
    todo.take(9)
    todo.hold_back(2, behind("b"))
    todo.hold_back(3, behind("a"))

    assert ids(todo.cycle()) == [1, 3]


def test_a_build_that_begins_anew_takes_its_place_among_its_packages_commits() -> None:
    todo = queue("a", "b", "b")
    todo.take(1)
    todo.hold_back(1, behind("b"))
    second_pass = replace(build(4, "b"), position=2)
    todo.ended(2, published=False)

    todo.add(second_pass)

    assert ids(todo.take(9)) == [4]
    assert ids([*todo.waiting()]) == [1]


def test_an_older_commit_behind_what_nobody_builds_is_outdated() -> None:
    todo = queue("a", "a", "b", "c", "c")
    todo.take(9)
    todo.hold_back(1, behind("broken"))
    todo.hold_back(4, behind("b"))
    todo.take(9)
    assert ids(todo.outdated()) == [1]
    todo.hold_back(2, behind("broken"))

    todo.ended(3, published=False)

    assert ids(todo.outdated()) == [1, 4]
    for old in todo.outdated():
        todo.drop(old.id)
    assert todo.open_packages == {"a", "c"}


def test_a_thousand_packages_that_wait_for_each_other_are_judged() -> None:
    names = [f"p{number}" for number in range(1000)]
    todo = queue(*names)
    todo.take(1000)
    for id_ in range(1, 1001):
        todo.hold_back(id_, behind(*names[id_ : id_ + 20]) or behind("p998"))

    assert ids(todo.cycle()) == [999, 1000]


def test_open_packages_and_idle_builds_are_listed() -> None:
    todo = queue("a", "b", "b")
    [a] = todo.take(1)

    assert len(todo) == 3
    assert todo.open_packages == {"a", "b"}
    assert todo.others(a) == {"b"}
    assert ids(todo.idle()) == [2, 3]


def test_other_builds_of_the_same_package_are_others() -> None:
    todo = queue("a", "a")

    assert todo.others(build(1, "a")) == {"a"}


def test_a_build_that_waits_is_idle() -> None:
    todo = queue("a", "b")
    todo.take(9)

    todo.hold_back(2, behind("a"))

    assert ids(todo.idle()) == [2]


def test_a_hint_that_is_learned_counts_beside_those_before() -> None:
    todo = queue("c", "b", "a", c="b")
    todo.hint("c", behind("a"))

    assert ids(todo.take(9)) == [2, 3]
    todo.ended(2, published=True)
    assert todo.take(9) == []
    todo.ended(3, published=True)
    assert ids(todo.take(9)) == [1]


def test_a_hint_on_oneself_holds_nobody_back() -> None:
    assert ids(queue("a", "b", a="a").take(9)) == [1, 2]


def test_a_bootstrap_build_begins_whatever_its_hints_say() -> None:
    begun, other = replace(build(1, "a"), bootstrap=True), build(2, "b")

    assert ids(Queue([begun, other], {"a": behind("b")}).take(9)) == [1, 2]


def test_no_hint_is_broken_while_something_runs() -> None:
    todo = queue("x", "a", "b", a="b", b="a")

    assert ids(todo.take(9)) == [1]


def test_what_the_store_says_of_a_build_is_taken_over() -> None:
    todo = queue("a", "b")
    todo.refresh(replace(build(2, "b"), to_cancel="it takes too long"))

    assert [one.to_cancel for one in todo.take(9)] == ["", "it takes too long"]


def test_no_more_are_taken_than_there_is_room_for() -> None:
    assert queue("a", "b").take(0) == []


def test_what_waits_for_a_dropped_build_goes_on_waiting() -> None:
    todo = queue("a", "b")
    todo.take(9)
    todo.hold_back(2, behind("a"))

    todo.drop(1)

    assert todo.take(9) == []
    assert ids([*todo.waiting()]) == [2]


def test_a_build_that_runs_is_not_outdated() -> None:
    todo = queue("a", "a")
    todo.take(1)
    todo.hold_back(1, behind("broken"))
    todo.take(1)
    todo.hold_back(2, behind("broken"))
    todo.hold_back(1, behind())
    todo.take(1)

    assert todo.outdated() == []


def test_builds_go_by_the_first_planned_of_each_package() -> None:
    assert ids(queue("b", "a", "b").take(9)) == [1, 2]
    assert ids(Queue([build(5, "b"), build(3, "a")]).take(9)) == [3, 5]


def test_a_build_that_runs_already_is_not_started_and_holds_its_package_back() -> None:
    todo = queue("b")

    todo.adopt(build(7, "a"))
    todo.add(build(8, "a"))

    assert todo.open_packages == {"a", "b"}
    assert ids(todo.take(9)) == [1]
    todo.ended(7, published=True)
    assert ids(todo.take(9)) == [8]


def test_what_is_set_aside_starts_once_it_is_taken_back() -> None:
    todo = queue("a", "b", "c")
    todo.set_aside([1, 3, 99])

    assert ids(todo.take(9)) == [2]
    assert ids(todo.idle()) == [1, 3]
    todo.take_back([1, 99])

    assert ids(todo.take(9)) == [1]


def test_what_is_set_aside_will_be_built_and_is_in_no_cycle() -> None:
    todo = queue("a", "b")
    todo.foresee("a", behind("b"))
    todo.foresee("b", behind("a"))
    todo.set_aside([2])

    assert todo.foreseen_cycle() == []
    assert todo.take(9, probe=False) == []
    todo.take_back([2])

    assert ids(todo.foreseen_cycle()) == [1, 2]


def test_what_left_the_queue_is_not_set_aside_any_more() -> None:
    todo = queue("a", "a")
    todo.set_aside([1])
    todo.drop(1)

    assert ids(todo.take(9)) == [2]


def test_the_building_order_has_each_group_after_what_it_requires() -> None:
    known = {"e": "d x", "d": "c", "c": "b a", "b": "c a", "a": "", "z": "z", "s": "gone"}

    groups = list(
        in_building_order({name: behind(*needs.split()) for name, needs in known.items()})
    )

    assert groups == [["a", "z", "s"], ["b", "c"], ["d"], ["e"]]


def test_what_is_foreseen_is_waited_for_even_if_that_waits_itself() -> None:
    todo = queue("x", "y", "a", "b")
    for name, needed in (("a", "x"), ("b", "x")):
        todo.foresee(name, behind(needed))
    assert ids(todo.take(9, probe=False)) == [1, 2]
    todo.hold_back(1, behind("y"))
    todo.ended(2, published=False)  # x waits for what does not come

    assert todo.take(9, probe=False) == []
    assert ids(todo.take(9)) == [3, 4]


def test_what_is_foreseen_to_wait_for_a_stuck_package_is_not_tried_while_others_are_built() -> None:
    todo = queue("runs", "stuck", "first", "second")
    for name in ("first", "second"):
        todo.foresee(name, behind("stuck"))
    assert ids(todo.take(9)) == [1, 2]
    todo.hold_back(2, behind("gone"))

    assert todo.take(9) == []
    todo.ended(1, published=True)

    assert ids(todo.take(9)) == [3, 4]
