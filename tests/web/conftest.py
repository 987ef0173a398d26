"""Stores to look at, and clients of the dashboard over them."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI

from archsmith.storage.store import open_store
from archsmith.web.app import create_app
from tests.web.world import Client, World, fill


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without anything in it, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "store.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, empty_file: Path) -> World:
    """A store as ``fill`` fills it, to be read by many tests; it is closed, so its file may be copied."""
    path = tmp_path_factory.mktemp("filled") / "store.db"
    shutil.copy(empty_file, path)
    url = f"sqlite:///{path}"
    world = fill(World(url, open_store(url)))
    world.store.close()
    return world


@pytest.fixture
def empty_world(empty_file: Path, tmp_path: Path) -> Iterator[World]:
    """An empty store of the test's own."""
    url = f"sqlite:///{shutil.copy(empty_file, tmp_path / 'store.db')}"
    store = open_store(url)
    yield World(url, store)
    store.close()


@pytest.fixture
def world(filled: World, tmp_path: Path) -> Iterator[World]:
    """A filled store of the test's own."""
    copied = shutil.copy(filled.url.removeprefix("sqlite:///"), tmp_path / "store.db")
    store = open_store(f"sqlite:///{copied}")
    yield replace(filled, url=f"sqlite:///{copied}", store=store)
    store.close()


@pytest.fixture(scope="session")
def app(filled: World) -> FastAPI:
    """The dashboard over the filled store that nobody changes."""
    return create_app(filled.url, clock=filled.clock)


@pytest.fixture
def client(app: FastAPI) -> Client:
    """A client of the dashboard over the filled store, without cookies from other tests."""
    return Client(app)


@pytest.fixture
def own_client(world: World) -> Client:
    """A client of the dashboard over ``world``."""
    return Client(create_app(world.url, clock=world.clock))


@pytest.fixture
def empty_client(empty_world: World) -> Client:
    """A client of the dashboard over ``empty_world``."""
    return Client(create_app(empty_world.url, clock=empty_world.clock))
