"""The endless stream: valid, repeatable, and no more walked than asked for."""

from itertools import islice
from random import Random

import pytest

from archsmith.graph.errors import UserError
from archsmith.spaces.sampling import sample
from archsmith.spaces.streams import samples
from tests.spaces.leaves import CLOSED, TIGHT


def test_a_stream_goes_on_and_holds_no_dead_end() -> None:
    found = list(islice(samples(TIGHT, Random(0)), 100))

    assert all(one.graph is not None for one in found)
    assert len({one.trace for one in found}) > 10


def test_a_stream_draws_what_sample_draws_one_at_a_time() -> None:
    rng, same = Random(7), Random(7)
    stream = samples(TIGHT, rng)

    assert [next(stream) for _ in range(5)] == [sample(TIGHT, same) for _ in range(5)]
    assert rng.getstate() == same.getstate()


def test_a_space_without_a_valid_architecture_says_so() -> None:
    with pytest.raises(UserError, match="no architecture of this space is valid"):
        next(samples(CLOSED, Random(0)))
