"""Files too large for a row: weights and checkpoints, kept by the digest of their content beside the store."""

from collections.abc import Collection
from hashlib import blake2b
from pathlib import Path

from archsmith.graph.errors import UserError
from archsmith.storage.engine import parsed


class Artifacts:
    """A folder of files named by what is in them. A file stands there before the row that names it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def incoming(self, name: str) -> Path:
        """Where a job writes the file of that name before it is adopted."""
        return self.folder / "incoming" / name

    def fresh(self, name: str) -> Path:
        """``incoming``, free to be written: its folder is made, and what a killed job left there is removed."""
        place = self.incoming(name)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(
                f"{self.folder} must be a folder that can be written, for the trained weights: {error.strerror}"
            ) from None
        return place

    def adopt(self, path: Path, owner: str = "") -> str:
        """Keep the file under the digest of its content, and give that name.

        An ``owner`` stands in the name of a file that will be dropped, so that it is nobody else's.
        """
        name = blake2b(path.read_bytes(), digest_size=16).hexdigest() + owner + path.suffix
        path.replace(self.folder / name)
        return name

    def drop(self, name: str) -> None:
        """Remove the file of that name, if it is there."""
        (self.folder / name).unlink(missing_ok=True)

    def sweep(self, pattern: str, kept: Collection[str | None]) -> None:
        """Remove the files whose names are like the pattern and not among the ``kept``."""
        for path in self.folder.glob(pattern):
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def found(self, name: str | None) -> str | None:
        """Where the file of that name stands; None if it is gone, or there never was one."""
        return str(self.folder / name) if name is not None and (self.folder / name).is_file() else None

    def path(self, name: str) -> Path:
        """The file of that name (``UserError`` if it is gone)."""
        found = self.folder / name
        if not found.is_file():
            raise UserError(
                f"{found} must hold the trained weights; it is missing. Was {self.folder} moved or cleaned?"
            )
        return found


def beside(store: str) -> Artifacts:
    """The artifacts of the store at that URL: next to an SQLite file, else in the working directory."""
    place = parsed(store)
    if place.get_backend_name() == "sqlite" and place.database is not None:
        database = Path(place.database)
        return Artifacts(database.with_name(f"{database.stem}-artifacts"))
    return Artifacts(Path("archsmith-artifacts").absolute())
