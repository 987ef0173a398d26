"""What a worker does with a batch of calls: it performs them, and sends what came of them home as it goes."""

import time
from collections.abc import Callable, Iterator

from archsmith.fuzz.call import Call, concrete
from archsmith.fuzz.packing import Packed, packed_verdict, unpacked_call, unpacked_point, unpacked_signature
from archsmith.fuzz.perform import performed, quietly, resolved

_LONGEST_SILENCE = 0.05


def perform_batch(payload: Packed, report: Callable[[Packed], None]) -> list[Packed]:
    """Reports an empty list, then verdicts, at most ``payload["step"]`` at once; returns the last of them."""
    step, fill, seed = payload["step"], payload["fill"], payload["seed"]
    operator, *_ = payload.get("signature") or payload["items"][0]
    resolved(operator)  # the first takes long in a fresh process, and that is not the time of a call
    report([])
    verdicts: list[Packed] = []
    said = time.monotonic()
    with quietly():
        for call in _calls(payload):
            verdicts.append(packed_verdict(performed(call, fill=fill, seed=seed)))
            if len(verdicts) >= step or time.monotonic() - said > _LONGEST_SILENCE:
                report(verdicts)
                verdicts = []
                said = time.monotonic()
    return verdicts


def _calls(payload: Packed) -> Iterator[Call]:
    if "signature" not in payload:
        yield from map(unpacked_call, payload["items"])
        return
    signature = unpacked_signature(payload["signature"])
    for point in payload["items"]:
        yield concrete(signature, unpacked_point(point))
