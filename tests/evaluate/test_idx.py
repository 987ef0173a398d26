"""IDX files, and Fashion-MNIST read from a folder of them."""

import gzip
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from archsmith.evaluate.fashion import FASHION_MNIST, VAL, fashion_mnist
from archsmith.evaluate.idx import DTYPES, read_idx
from archsmith.evaluate.task import Task
from archsmith.evaluate.tasks import TASKS, load_task
from archsmith.evaluate.tensors import tensors
from archsmith.graph.errors import UserError

Array = np.ndarray[Any, Any]
CODES = {np.dtype(name): code for code, name in DTYPES.items()}
IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"


def idx(array: Array) -> bytes:
    return bytes([0, 0, CODES[array.dtype], array.ndim]) + pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Small enough to be written in no time: one half of the files plain, the other compressed."""
    images = np.arange((VAL + 3) * 28 * 28, dtype=np.uint64).reshape(-1, 28, 28) * 7919 % 251
    labels = np.arange(VAL + 3) % 10
    (tmp_path / f"train-{IMAGES}").write_bytes(idx(images.astype("u1")))
    (tmp_path / f"train-{LABELS}.gz").write_bytes(gzip.compress(idx(labels.astype("u1"))))
    (tmp_path / f"t10k-{IMAGES}.gz").write_bytes(gzip.compress(idx(images[:4].astype("u1"))))
    (tmp_path / f"t10k-{LABELS}").write_bytes(idx(labels[:4].astype("u1")))
    return tmp_path


@given(
    st.sampled_from(list(CODES)).flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_side=0))),
    st.booleans(),
)
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, array: Array, packed: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "any-name"
    path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    found = read_idx(path)

    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


GOOD = idx(np.arange(6, dtype="u1").reshape(2, 3))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "must be an IDX file: two zero bytes, then a type and a rank; got $"),
        (b"PK\x03\x04....", "must be an IDX file: .* got 50 4b 03 04"),
        (b"\0\0\x07\x01\0\0\0\0", "must be an IDX file: .* got 00 00 07 01"),
        (GOOD[:9], "must give 2 sizes in its header; it ends before the last"),
        (GOOD[:-1], r"must have 6 bytes of data for \[2, 3\] numbers; it has 5"),
        (GOOD + b"\0", r"must have 6 bytes of data for \[2, 3\] numbers; it has 7"),
        (gzip.compress(GOOD)[:-4], "must be a file that can be read, whole; "),
        (gzip.compress(GOOD)[:12] + b"\xff" * 20, "must be a file that can be read, whole; "),
    ],
)
def test_a_file_that_is_damaged_or_of_another_kind_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)

    with pytest.raises(UserError, match=message):
        read_idx(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be a file that can be read, whole; .*No such file"):
        read_idx(tmp_path / "nothing")


def test_the_last_training_images_are_for_validation(folder: Path) -> None:
    data = fashion_mnist(folder).load()

    assert [len(inputs) for inputs, _ in (data.train, data.val, data.test)] == [3, VAL, 4]
    assert data.train[1].tolist() == [0, 1, 2]
    assert data.val[1].tolist()[:3] == [3, 4, 5]


def test_pixels_are_standardised_by_those_that_are_trained_on(folder: Path) -> None:
    data = tensors(fashion_mnist(folder))

    assert tuple(data.train.inputs.shape[1:]) == (1, 28, 28)
    assert data.train.inputs.mean().item() == pytest.approx(0, abs=1e-5)
    assert data.train.inputs.std(correction=0).item() == pytest.approx(1, abs=1e-5)
    assert data.test.inputs[:3].equal(data.train.inputs)


def test_the_task_is_known_by_name_with_a_folder(folder: Path) -> None:
    task = load_task(f"fashion_mnist:{folder}")

    assert isinstance(task, Task)
    assert (task.name, task.input_shape, task.outputs) == ("fashion_mnist", (1, 28, 28), 10)
    assert len(task.load().train[0]) == 3


def test_the_task_is_known_by_name_alone() -> None:
    assert TASKS["fashion_mnist"] is FASHION_MNIST


@pytest.mark.parametrize("missing", [f"train-{IMAGES}", f"t10k-{LABELS}"])
def test_a_missing_file_is_told_before_anything_runs_with_what_to_do(folder: Path, missing: str) -> None:
    (folder / missing).unlink()

    with pytest.raises(UserError, match=f"must find {missing} or {missing}.gz in {folder}.*dataset-fashion-mnist, or"):
        load_task(f"fashion_mnist:{folder}")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (f"train-{IMAGES}", np.zeros((VAL + 3, 28, 27), "u1"), r"train images must be bytes \[10003, 28, 28\]"),
        (f"train-{IMAGES}", np.zeros((VAL + 3, 28, 28), "u1"), "training images that differ; all pixels are 0"),
        (f"t10k-{LABELS}", np.zeros((3,), "u1"), r"t10k labels must be bytes \[4\]; got uint8 \[3\]"),
        (f"t10k-{IMAGES}", np.array(3, "u1"), r"t10k images must be bytes \[28, 28\]; got uint8 \[\]"),
        (f"t10k-{LABELS}", np.zeros((4,), ">i4"), r"t10k labels must be bytes \[4\]; got int32 \[4\]"),
    ],
)
def test_files_that_hold_something_else_are_refused(folder: Path, name: str, array: Array, message: str) -> None:
    (folder / name).write_bytes(idx(array))

    with pytest.raises(UserError, match=message):
        tensors(fashion_mnist(folder))


def test_too_few_training_images_leave_none_to_train_on(folder: Path) -> None:
    (folder / f"train-{IMAGES}").write_bytes(idx(np.zeros((4, 28, 28), "u1")))
    (folder / f"train-{LABELS}.gz").write_bytes(idx(np.zeros(4, "u1")))

    with pytest.raises(UserError, match="more than 10000 training images, the last for validation; it has 4"):
        fashion_mnist(folder).load()
