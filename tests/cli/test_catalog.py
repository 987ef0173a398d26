"""``archsmith spaces list``, and its names wherever a SPACE is taken."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from archsmith.cli import catalog
from archsmith.jobs.places import settled, source_of
from archsmith.spaces.catalog import CATALOG, PUBLISHED
from archsmith.spaces.loading import load_space
from archsmith.spaces.space import digest
from tests.cli.test_commands import ROOT, imported_by, run
from tests.cli.test_errors import mistake


def test_the_catalogue_is_listed(tmp_path: Path) -> None:
    lines = run("spaces", "list", cwd=tmp_path).stdout.splitlines()
    rows = json.loads(run("spaces", "list", "--json", cwd=tmp_path).stdout)

    assert [line.split()[0] for line in lines] == ["name", *CATALOG]
    for line, entry in zip(lines[1:], PUBLISHED.values(), strict=True):
        assert entry.source in line
        assert line.endswith(entry.summary)
    assert rows == [
        {"name": name, "size": None, "summary": entry.summary, "source": entry.source}
        for name, entry in PUBLISHED.items()
    ]


def test_sizes_are_counted_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting stands for itself in another test: all of the catalogue takes seconds."""
    monkeypatch.setattr(catalog, "size_of", lambda name: 7371 ** len(name))
    table = CliRunner().invoke(catalog.list_spaces, ["--count"])
    rows = json.loads(CliRunner().invoke(catalog.list_spaces, ["--count", "--json"]).stdout)

    assert [row["size"] for row in rows] == [7371 ** len(name) for name in CATALOG]
    for line, name in zip(table.stdout.splitlines()[1:], CATALOG, strict=True):
        assert f"  {7371 ** len(name):,}  " in line


def test_a_size_is_exact() -> None:
    assert catalog.size_of("mobilenet-v3") == 21_758_655_492_572_485_851


def test_a_name_is_a_space_to_every_command(tmp_path: Path) -> None:
    shown = json.loads(run("spaces", "show", "resnext-a", "--json", cwd=tmp_path).stdout)
    sampled = json.loads(run("spaces", "sample", "tabular", "--json", cwd=tmp_path).stdout)

    assert shown["digest"] == digest(load_space("resnext-a"))
    assert sampled[0]["trace"]["0/kind"] in ("mlp", "resnet")


def test_a_wrong_name_is_told_the_right_ones(tmp_path: Path) -> None:
    told = mistake("spaces", "show", "mobilenet-v2", cwd=tmp_path)

    assert "did you mean mobilenet-v3?" in told
    assert all(name in told for name in CATALOG)


@pytest.mark.parametrize("name", CATALOG)
def test_a_study_keeps_a_name_as_it_is(name: str) -> None:
    assert settled(name) == name
    assert source_of(name) is None


def test_listing_imports_nothing_heavy(tmp_path: Path) -> None:
    assert imported_by(f"{ROOT}.main(['spaces', 'list'], standalone_mode=False)", tmp_path) == set()
