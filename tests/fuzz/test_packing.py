"""The way to a sandbox and back loses nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from archsmith.fuzz import packing
from archsmith.fuzz.call import Call, Lost, Point, Refused, Returned, TensorValue, abstracted
from archsmith.graph.signature import Word

CALL = Call(
    "torch.op",
    (
        ("input", TensorValue((2, 0), "int64", (1, 2), 0, 5)),
        ("others", (TensorValue(()), (1, 2.5, None), "sum", True, 7)),
        ("dtype", Word("dtype", "float16")),
        ("value", Word("float", "nan")),
        ("real", 0.25),
    ),
    2,
)


@pytest.mark.parametrize(
    ("value", "pack", "unpack"),
    [
        (CALL, packing.packed_call, packing.unpacked_call),
        (abstracted(CALL, valued=["input"])[0], packing.packed_signature, packing.unpacked_signature),
        (abstracted(CALL)[1], packing.packed_point, packing.unpacked_point),
        (Point(()), packing.packed_point, packing.unpacked_point),
        (Returned((TensorValue((2,)), (1, 2)), (0, None), (1,)), packing.packed_verdict, packing.unpacked_verdict),
        (Returned(()), packing.packed_verdict, packing.unpacked_verdict),
        (Refused("TypeError", "no"), packing.packed_verdict, packing.unpacked_verdict),
        (Lost("timed out"), packing.packed_verdict, packing.unpacked_verdict),
    ],
)
def test_what_is_packed_comes_back(value: object, pack: Callable[[Any], Any], unpack: Callable[[Any], Any]) -> None:
    back = unpack(json.loads(json.dumps(pack(value))))

    assert back == value
    assert repr(back) == repr(value)
