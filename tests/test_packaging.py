"""What is built is what is in the tree, and what is installed is found without the tree."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = sorted(path.name for path in (ROOT / "src/archsmith").iterdir() if path.is_dir())
OUTSIDE = (".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "*.db*", "*-artifacts", "dist", "build", "_build")

WHERE = "import archsmith.graph.types, archsmith.spaces, archsmith.search; print(archsmith.graph.types.__file__)"
"""Rooms that need nothing but Python, asked where they came from."""

TOP_LEVEL = f"from importlib.util import find_spec; print([name for name in {ROOMS} if find_spec(name)])"


def run(*command: str | Path, cwd: Path) -> str:
    result = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def contents(wheel: Path) -> dict[str, bytes]:
    """The files that a wheel installs, less what describes the wheel itself."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        return {name: archive.read(name) for name in names}


def expected(tree: Path) -> dict[str, bytes]:
    """What a wheel of the tree has to install: the package's own files and every file of every room."""
    own = {f"archsmith/{name}": tree / "src/archsmith" / name for name in ("__init__.py", "__main__.py", "py.typed")}
    rooms = [path for room in ROOMS for path in (tree / room).rglob("*") if path.is_file()]
    rooms = [path for path in rooms if "__pycache__" not in path.parts]
    files = own | {f"archsmith/{path.relative_to(tree).as_posix()}": path for path in rooms}
    return {name: path.read_bytes() for name, path in files.items()}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout as git would give it, so that no test sees a file that another is writing."""
    copy = tmp_path_factory.mktemp("checkout") / "archsmith"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(*OUTSIDE))
    return copy


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("from_tree")
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", out, cwd=tree)
    return next(out.glob("*.whl"))


def empty_environment(folder: Path) -> Path:
    """The interpreter of a new virtual environment in which nothing is installed, pip included."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    return folder / "bin/python"


def install(wheel: Path, python: Path) -> None:
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
    ]
    run(*pip, wheel, cwd=wheel.parent)


def test_a_wheel_holds_the_tree(wheel: Path, tree: Path) -> None:
    suffixes = {Path(name).suffix for name in contents(wheel)}

    assert contents(wheel) == expected(tree)
    assert suffixes <= {".css", ".gz", ".html", ".js", ".json", ".mako", ".py", ".svg", ".typed"}


def test_a_source_archive_builds_the_same_wheel(wheel: Path, tree: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path, cwd=tree)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        shipped = {name.partition("/")[2] for name in archive.getnames()}

    assert contents(next(tmp_path.glob("*.whl"))) == contents(wheel)
    assert {"pyproject.toml", "LICENSE", "README.md", "tests/test_packaging.py", "Makefile"} <= shipped
    assert not any(name.startswith("src/archsmith/graph") for name in shipped)


def test_a_checkout_without_symlinks_builds_the_same_wheel(wheel: Path, tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    shutil.copytree(tree, copy, symlinks=True)
    for room in ROOMS:
        link = copy / "src/archsmith" / room
        link.unlink()
        link.write_text(f"../../{room}", encoding="utf-8")  # what git writes where it may not link
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, cwd=copy)

    assert contents(next(tmp_path.glob("*.whl"))) == contents(wheel)


def test_an_installed_wheel_needs_no_tree(wheel: Path, tmp_path: Path) -> None:
    python = empty_environment(tmp_path / "environment")
    install(wheel, python)
    origin = Path(run(python, "-I", "-c", WHERE, cwd=tmp_path).strip())

    assert origin.is_relative_to(tmp_path / "environment")
    assert run(python, "-I", "-c", TOP_LEVEL, cwd=tmp_path).strip() == "[]"
    assert (tmp_path / "environment/bin/archsmith").exists()


def test_an_editable_install_follows_the_tree(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    shutil.copytree(tree, copy, symlinks=True)
    build = f"from hatchling.build import build_editable; print(build_editable({str(tmp_path)!r}))"
    name = run(sys.executable, "-c", build, cwd=copy).split()[-1]
    python = empty_environment(tmp_path / "environment")
    install(tmp_path / name, python)
    (copy / "graph/fresh.py").write_text("ANSWER = 42\n", encoding="utf-8")
    code = "import archsmith, archsmith.graph.fresh as fresh; print(archsmith.__file__, fresh.ANSWER)"

    assert run(python, "-I", "-c", code, cwd=tmp_path).split() == [
        str(copy / "src/archsmith/__init__.py"),
        "42",
    ]
    assert run(python, "-I", "-c", TOP_LEVEL, cwd=tmp_path).strip() == "[]"
