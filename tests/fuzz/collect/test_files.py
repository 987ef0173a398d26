"""A file of records gives back what was written; of a damaged one, the good lines."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from archsmith.fuzz.call import Argument, Call, CallRecord, Lost, Refused, Returned, TensorValue
from archsmith.fuzz.collect.files import Complaint, Reading, RecordWriter, from_json, read_records, to_json
from archsmith.graph.errors import UserError
from archsmith.graph.signature import Word

WORDS = st.builds(Word, st.text(max_size=5), st.text(max_size=5))
COUNTS = st.integers(0, 2**70)
TENSORS = st.builds(
    TensorValue,
    st.lists(COUNTS, max_size=3).map(tuple),
    st.sampled_from(["float32", "int64"]),
    st.none() | st.lists(COUNTS, max_size=3).map(tuple),
    st.none() | st.integers(),
    st.none() | st.integers(),
)
ARGUMENTS: SearchStrategy[Argument] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | WORDS | TENSORS,
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)
RETURNED = st.builds(
    Returned,
    st.lists(ARGUMENTS, max_size=2).map(tuple),
    st.lists(st.none() | COUNTS, max_size=2).map(tuple),
    st.lists(COUNTS, max_size=2).map(tuple),
)
VERDICTS = RETURNED | st.builds(Refused, st.text(max_size=5), st.text(max_size=5)) | st.builds(Lost, st.text())


@st.composite
def records(draw: st.DrawFn) -> CallRecord:
    arguments = draw(st.lists(st.tuples(st.text(max_size=5), ARGUMENTS), max_size=4).map(tuple))
    call = Call(draw(st.text(max_size=8)), arguments, draw(st.integers(0, len(arguments))))
    return CallRecord(call, draw(VERDICTS), draw(st.text(max_size=5)), draw(st.text(max_size=5)))


def record(number: int) -> CallRecord:
    call = Call("torch.relu", (("input", TensorValue((number, 3))),), 1)
    return CallRecord(call, Returned((TensorValue((number, 3)),), (None,)), "2.13.0", "test")


def written(path: Path, number: int, *, every: int = 64) -> list[CallRecord]:
    made = [record(place) for place in range(number)]
    with RecordWriter(path, every=every) as writer:
        for entry in made:
            writer.write(entry)
    return made


@given(records())
def test_a_record_comes_back_from_json_as_it_was(made: CallRecord) -> None:
    again = from_json(json.loads(json.dumps(to_json(made), allow_nan=False)))

    assert again == made
    assert repr(again) == repr(made)  # 1 is not 1.0 is not True


def test_a_float_that_is_no_number_comes_back() -> None:
    call = Call("torch.full", (("fill_value", float("nan")),), 1)
    again = from_json(json.loads(json.dumps(to_json(CallRecord(call, Lost(""), "", "")), allow_nan=False)))

    assert repr(again.call) == repr(call)


@given(st.lists(records(), max_size=5), st.integers(1, 3))
def test_a_file_gives_back_what_was_written(tmp_path_factory: pytest.TempPathFactory, made: Any, every: int) -> None:
    path = tmp_path_factory.mktemp("files") / "calls.jsonl.gz"
    with RecordWriter(path, every=every) as writer:
        for entry in made:
            writer.write(entry)

    assert read_records(path) == (made, [])


def test_writing_goes_on_where_a_file_ends(tmp_path: Path) -> None:
    made = written(tmp_path / "a.gz", 3) + written(tmp_path / "a.gz", 2)

    assert read_records(tmp_path / "a.gz") == (made, [])


def test_what_is_not_compressed_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text("\n\n".join(json.dumps(to_json(record(place))) for place in range(3)))

    assert read_records(path) == ([record(0), record(1), record(2)], [])


@given(cut=st.integers(0, 2000))
def test_a_file_that_was_cut_off_keeps_what_was_before(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("files") / "calls.jsonl.gz"
    made = written(path, 12, every=4)
    whole = path.read_bytes()
    path.write_bytes(whole[: cut % len(whole)])
    found, complaints = read_records(path)

    assert found == made[: len(found)]
    assert len(complaints) <= 1
    ends = [len(found)] if not complaints else []
    assert all(end % 4 == 0 for end in ends)


def test_one_long_member_that_was_cut_off_keeps_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl.gz"
    made = written(path, 3000, every=10_000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    found, complaints = read_records(path)

    assert 1000 < len(found) < 2000
    assert found == made[: len(found)]
    assert [str(complaint) for complaint in complaints] == [
        f"line {len(found) + 1}: the file ends in the middle of what was compressed"
    ]


@given(place=st.integers(0, 10_000), byte=st.integers(1, 255))
def test_damage_in_one_place_costs_no_line_of_another_member(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int
) -> None:
    path = tmp_path_factory.mktemp("files") / "calls.jsonl.gz"
    made = written(path, 16, every=4)
    whole = bytearray(path.read_bytes())
    whole[2 + place % (len(whole) - 2)] ^= byte  # without its first two bytes it is no gzip file
    path.write_bytes(whole)
    found, _ = read_records(path)

    assert len([entry for entry in made if entry in found]) >= 12


def test_a_member_that_a_killed_process_left_unfinished_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl.gz"
    first = written(path, 4)
    path.write_bytes(path.read_bytes() + gzip.compress(b'{"operator": "torch.add"')[:-12])
    later = written(path, 3)
    found, complaints = read_records(path)

    assert found == first + later
    assert [complaint.line for complaint in complaints] == [5]
    assert "damaged" in complaints[0].problem


@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_any_bytes_are_read_without_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, magic: bool, packed: bool
) -> None:
    path = tmp_path_factory.mktemp("files") / "foreign"
    path.write_bytes(gzip.compress(data) if packed else (b"\x1f\x8b\x08" if magic else b"") + data)
    found, _ = read_records(path)

    assert found == []


GOOD = to_json(record(2))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not a call record: Expecting property name"),
        ("[]", "a record must be an object; got []"),
        ('"text"', "a record must be an object; got 'text'"),
        (json.dumps({"a": 1}), "a record must have 'operator'"),
        (json.dumps(GOOD | {"more": 1}), "a record has no 'more'"),
        (json.dumps(GOOD | {"operator": 1}), "a text was expected; got 1"),
        (json.dumps(GOOD | {"positional": -1}), "at least 0 was expected; got -1"),
        (json.dumps(GOOD | {"positional": True}), "a whole number was expected; got True"),
        (json.dumps(GOOD | {"positional": 2}), "2 arguments by place, of 1 in all"),
        (json.dumps(GOOD | {"arguments": {}}), "a list was expected; got {}"),
        (json.dumps(GOOD | {"arguments": [["x"]]}), "a list of two was expected; got ['x']"),
        (json.dumps(GOOD | {"arguments": [["x", {"tensor": [1.5]}]]}), "a whole number was expected; got 1.5"),
        (json.dumps(GOOD | {"arguments": [["x", {"tensor": [1]}]]}), "a tensor must have 'dtype'"),
        (json.dumps(GOOD | {"arguments": [["x", {}]]}), "must have one of 'word', 'float'; it has 0"),
        (json.dumps(GOOD | {"arguments": [["x", {"float": 1}]]}), "nan, inf or -inf; got 1"),
        (json.dumps(GOOD | {"refused": ["", ""]}), "one of 'returned', 'refused', 'lost'; it has 2"),
        (json.dumps(GOOD).replace("[2, 3]", "[" * 5000 + "]" * 5000), "not a call record"),
        (json.dumps(GOOD).replace("[2, 3]", "[" + "9" * 5000 + "]"), "not a call record"),
        (json.dumps(GOOD | {"arguments": [["x", json.loads("[" * 50 + "]" * 50)]]}), "deeper than 32"),
        (chr(0xFF), "not a call record"),
    ],
    ids=range(20),
)
def test_a_line_that_is_no_record_is_named_and_the_others_are_kept(tmp_path: Path, line: str, problem: str) -> None:
    good = json.dumps(GOOD)
    path = tmp_path / "calls.jsonl.gz"
    path.write_bytes(gzip.compress(f"{good}\n{line}\n{good}\n".encode("latin-1")))
    found, complaints = read_records(path)

    assert found == [record(2), record(2)]
    assert [complaint.line for complaint in complaints] == [2]
    assert problem in complaints[0].problem


def test_a_line_without_an_end_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl.gz"
    path.write_bytes(gzip.compress(b" " * (40 << 20) + b"\n" + json.dumps(GOOD).encode() + b"\n", compresslevel=1))
    found, complaints = read_records(path)

    assert found == [record(2)]
    assert complaints == [Complaint(1, "longer than 16,777,216 bytes")]


def test_a_file_that_is_not_there_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere must be a file that can be read; No such file"):
        list(Reading(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"must be a file that can be written; Is a directory"):
        RecordWriter(tmp_path)


def test_records_are_there_though_the_process_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl.gz"
    program = f"""
import os, signal
from pathlib import Path
from tests.fuzz.collect.test_files import RecordWriter, record
writer = RecordWriter(Path({str(path)!r}), every=4)
for number in range(10):
    writer.write(record(number))
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, check=False, timeout=60)

    assert done.returncode == -signal.SIGKILL
    assert read_records(path) == ([record(number) for number in range(8)], [])


def test_several_threads_may_share_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl.gz"
    with RecordWriter(path, every=3) as writer:
        threads = [
            threading.Thread(target=lambda first=first: [*map(writer.write, map(record, range(first, first + 50)))])
            for first in range(0, 200, 50)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found, complaints = read_records(path)

    assert sorted(entry.call.tensors()[0].shape for entry in found) == [(number, 3) for number in range(200)]
    assert complaints == []


def test_a_forked_process_writes_its_own_records_only(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl.gz"
    with RecordWriter(path) as writer:
        writer.write(record(0))
        child = os.fork()
        if child == 0:
            writer.write(record(1))
            os._exit(0)  # as processes of multiprocessing end
        os.waitpid(child, 0)
        writer.write(record(2))

    assert read_records(path) == ([record(1), record(0), record(2)], [])


def test_a_full_disk_is_told_at_the_end_and_not_to_the_program() -> None:
    writer = RecordWriter(Path("/dev/full"), every=1)
    writer.write(record(0))
    writer.write(record(1))
    with pytest.raises(UserError, match=r"/dev/full lacks records, as it could not be written; No space left"):
        writer.close()
    writer.write(record(2))
    writer.close()
