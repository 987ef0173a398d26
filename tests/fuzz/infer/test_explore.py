"""Where the explorer asks."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from archsmith.fuzz.infer.explore import Explorer, explore, ties
from archsmith.fuzz.infer.probe import Probe, settled
from archsmith.fuzz.infer.results import forms
from archsmith.fuzz.infer.split import grouped
from archsmith.graph.signature import Signature, TensorSlot
from tests.fuzz.infer.planted import Planted, added, call, convolved, returned, tensor


def explored(seed: int = 0, calls: int = 150) -> Probe:
    (group,) = grouped([call(a=tensor(3, 4), b=tensor(3, 4))])
    probe = Probe(Planted(added), group.signature, "normal", (), ("float32", "float32"))
    explore(Explorer(probe, Random(seed)), [group.points[0].values], calls)
    return probe


def test_both_sides_of_the_boundary_are_seen() -> None:
    probe = explored()

    assert len(probe.valid) >= 40
    assert len(probe.refused) >= 40
    assert len(probe.seen) <= 150


def test_nothing_is_asked_twice() -> None:
    probe = explored()
    assert isinstance(probe.ask, Planted)

    assert probe.ask.calls == len(probe.seen)


def test_exploring_is_repeated_by_its_seed() -> None:
    assert list(explored(5).seen) == list(explored(5).seen)
    assert list(explored(5).seen) != list(explored(6).seen)


def test_sizes_that_must_be_equal_change_together() -> None:
    (group,) = grouped([call(input=tensor(2, 3, 16), weight=tensor(5, 3, 3), stride=2, padding=1)])
    probe = Probe(Planted(convolved), group.signature, "normal", (), ("float32", "float32"))
    explore(Explorer(probe, Random(0)), [group.points[0].values], 200)
    channels = {values[1] for values in probe.valid}

    assert len(channels) > 4
    assert all(values[1] == values[4] for values in probe.valid)


def test_where_nothing_runs_only_the_seeds_are_asked() -> None:
    (group,) = grouped([call(a=tensor(3, 4), b=tensor(2, 5))])
    probe = Probe(Planted(added), group.signature, "normal", (), ("float32", "float32"))
    explore(Explorer(probe, Random(0)), [group.points[0].values], 100)

    assert len(probe.seen) == 1


def test_ties_are_places_that_were_always_equal() -> None:
    assert ties([(2, 2, 3), (4, 4, 4)], 3) == ((0, 1), (2,))


VALUED = Signature("torch.planted", (("index", TensorSlot("index", 1, valued=True)),), 1)


@given(st.lists(st.integers(-3, 12), min_size=3, max_size=3))
def test_extremes_fit_the_number_of_elements(values: list[int]) -> None:
    after = settled(VALUED, values, most=9)

    if after is not None:
        size, low, high = after
        assert 0 <= size <= 9
        assert low <= high
        assert size > 1 or low == high
        assert size > 0 or low == 0


def test_of_results_of_several_forms_one_may_be_wanted() -> None:
    probe = explored()
    ((form, count),) = forms(probe.valid.values())

    assert form == (2,)
    assert count == len(probe.valid)
    assert len(probe.wanting((1,)).valid) == 0
    assert len(probe.wanting((1,)).refused) == len(probe.seen)


def test_one_direction_is_tried_as_the_other_one() -> None:
    (group,) = grouped([call(input=tensor(2, 3, 6, 7), weight=tensor(4, 3, 2, 3))])
    probe = Probe(Planted(lambda entry: returned(entry.tensors()[0].shape)), group.signature, "normal", (), ("f", "f"))
    explorer = Explorer(probe, Random(0))
    explore(explorer, [group.points[0].values], 300)
    alike = sum(values[2] == values[3] and values[6] == values[7] for values in probe.seen)

    assert explorer.tried["mirrored"][0] > 1
    assert alike >= 15
