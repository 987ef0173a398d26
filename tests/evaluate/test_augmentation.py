"""Augmentation: every image stays an image of its own, moved or mirrored, and the same seed varies it the same."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from archsmith.evaluate.augmentation import augmented
from archsmith.evaluate.digits import DIGITS
from archsmith.evaluate.settings import AUGMENTATIONS, Budget, TrainingSettings
from archsmith.evaluate.training import TrainingEvaluator
from archsmith.graph.errors import UserError
from tests.evaluate.toys import DIGITS_NET, perceptron, signs

IMAGES = torch.arange(64 * 2 * 16 * 8, dtype=torch.float32).reshape(64, 2, 16, 8)


def varied(how: str, seed: int = 0) -> Tensor:
    return augmented(IMAGES, how, torch.Generator().manual_seed(seed))


def moved(image: Tensor, down: int, right: int) -> Tensor:
    """The image [C, H, W] shifted by that many pixels, its border repeated."""
    rows = (torch.arange(image.shape[1]) + down).clamp(0, image.shape[1] - 1)
    columns = (torch.arange(image.shape[2]) + right).clamp(0, image.shape[2] - 1)
    return image[:, rows][:, :, columns]


MOVES = [(down, right) for down in (-2, -1, 0, 1, 2) for right in (-1, 0, 1)]
"""By up to an eighth of 16 rows and of 8 columns."""


def test_no_augmentation_gives_the_images_themselves() -> None:
    assert varied("none") is IMAGES


def test_half_of_the_images_are_mirrored_left_to_right() -> None:
    mirrored = [torch.equal(after, before.flip(-1)) for after, before in zip(varied("flip"), IMAGES, strict=True)]
    kept = [torch.equal(after, before) for after, before in zip(varied("flip"), IMAGES, strict=True)]

    assert [a != b for a, b in zip(mirrored, kept, strict=True)] == [True] * 64
    assert 20 < sum(mirrored) < 44


@pytest.mark.parametrize(("how", "mirrors"), [("crop", (False,)), ("crop+flip", (False, True))])
def test_a_crop_shifts_an_image_by_an_eighth_of_its_size_at_most(how: str, mirrors: tuple[bool, ...]) -> None:
    ways = set()
    for after, before in zip(varied(how), IMAGES, strict=True):
        found = [
            (move, mirror)
            for move in MOVES
            for mirror in mirrors
            if torch.equal(after, moved(before, *move).flip(-1) if mirror else moved(before, *move))
        ]

        assert len(found) == 1
        ways.add(found[0])
    assert {move for move, _ in ways} == set(MOVES)
    assert {mirror for _, mirror in ways} == set(mirrors)


@pytest.mark.parametrize("how", [how for how in AUGMENTATIONS if how != "none"])
def test_the_same_generator_varies_the_same_and_another_differently(how: str) -> None:
    assert torch.equal(varied(how, 3), varied(how, 3))
    assert not torch.equal(varied(how, 3), varied(how, 4))
    assert varied(how).is_contiguous()


def test_an_image_of_one_pixel_stays_what_it_is() -> None:
    dots = torch.randn(4, 3, 1, 1, generator=torch.Generator().manual_seed(0))

    assert torch.equal(augmented(dots, "crop+flip", torch.Generator()), dots)


def trained(path: Path, augmentation: str, seed: int = 5) -> dict[str, Tensor]:
    settings = TrainingSettings(augmentation=augmentation)
    evaluator = TrainingEvaluator(DIGITS, settings, weights=path)
    evaluator.measure(DIGITS_NET, Budget(steps=3), seed, lambda epoch, metrics: None)
    weights: dict[str, Tensor] = torch.load(path, weights_only=True)
    return weights


def test_an_augmented_training_repeats_to_the_last_bit(tmp_path: Path) -> None:
    first, again, plain = (trained(tmp_path / "w.pt", how) for how in ("crop+flip", "crop+flip", "none"))

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], plain[name]) for name in first)


def test_what_is_no_image_is_not_augmented() -> None:
    evaluator = TrainingEvaluator(signs(), TrainingSettings(augmentation="flip"))
    message = r"augmentation='flip' is for images \[N, channels, height, width\]; task signs has samples \[N, 4\]"

    with pytest.raises(UserError, match=message):
        evaluator.measure(perceptron(3), Budget(epochs=1), 0, lambda epoch, metrics: None)
