"""An architecture as a thing of its own: a network, the recipe that goes with it, and where in a space it was found."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from archsmith.graph import text as graph_text
from archsmith.graph.book import RuleBook
from archsmith.graph.builder import recheck
from archsmith.graph.errors import Infeasible
from archsmith.graph.graph import Graph, Scalar
from archsmith.graph.ops import DECLARED
from archsmith.spaces.decisions import Derivation, Label, Space, Trace
from archsmith.spaces.jsontext import at, fail, fields, laid_out, parsed, scalar, word
from archsmith.spaces.recipe import recipe_of
from archsmith.spaces.space import digest as space_digest

FORMAT = 1
"""Version of the JSON form; a reader refuses any other."""

WHAT = "an architecture's text"


@dataclass(frozen=True, slots=True)
class Architecture:
    """The graph of a network and the values of its recipe, by name and in the order of names.

    ``trace`` leads to it in the space of the digest ``space``.
    """

    graph: Graph
    trace: Trace
    space: str
    recipe: tuple[tuple[str, Scalar], ...] = ()

    def digest(self) -> str:
        """32 hexadecimal digits that name the network and its recipe, whatever trace or space led there.

        Without a recipe they are those of the graph.
        """
        if not self.recipe:
            return graph_text.digest(self.graph)
        named = json.dumps(dict(self.recipe), separators=(",", ":"), sort_keys=True)
        return blake2b(f"{graph_text.to_json(self.graph)}\n{named}".encode(), digest_size=16).hexdigest()


def architecture_of(space: Space, found: Derivation) -> Architecture:
    """The architecture that a walk through the space has ended in (``ValueError`` at a dead end)."""
    if found.graph is None:
        raise ValueError(f"only a valid derivation has an architecture; this one is a dead end: {found.dead_end}")
    recipe = sorted(recipe_of(space, found.trace).items())
    return Architecture(found.graph, found.trace, space_digest(space), tuple(recipe))


def document_of(architecture: Architecture) -> dict[str, Any]:
    """What ``to_json`` writes, as objects and lists; the trace is in the order asked."""
    return {
        "format": FORMAT,
        "graph": json.loads(graph_text.to_json(architecture.graph)),
        "recipe": dict(architecture.recipe),
        "space": architecture.space,
        "trace": architecture.trace.as_dict(),
    }


def to_json(architecture: Architecture) -> str:
    """The architecture as JSON text; ``from_json(to_json(a)) == a`` (``ValueError`` if a number is not finite)."""
    return laid_out(document_of(architecture))


def from_json(text: str, *, book: RuleBook = DECLARED) -> Architecture:
    """The architecture that the text writes, its types inferred anew by the book.

    The book of a space with modules of one's own is ``book_in(space)``.

    Raises:
        UserError: the text is not JSON or not of this format, or its graph is none that the book's rules accept; the
            message names the path.
    """
    document = parsed(text, WHAT)
    if isinstance(document, dict) and "format" in document and repr(document["format"]) != repr(FORMAT):
        fail("format", f"this archsmith reads format {FORMAT} of {WHAT}; got {document['format']!r}")
    given = fields(document, "", ("format", "graph", "recipe", "space", "trace"))
    answers: Mapping[str, Label] = _scalars(given["trace"], "trace")
    recipe = sorted(_scalars(given["recipe"], "recipe").items())
    return Architecture(_graph(given["graph"], book), Trace.of(answers), word(given["space"], "space"), tuple(recipe))


def _graph(document: object, book: RuleBook) -> Graph:
    try:
        return recheck(graph_text.from_json(json.dumps(document)), book)
    except (Infeasible, ValueError, RecursionError) as error:
        fail("graph", str(error))


def _scalars(document: object, path: str) -> dict[str, Scalar]:
    if not isinstance(document, dict):
        fail(path, f"must be an object, values by name; got {document!r}")
    return {name: scalar(value, at(path, name)) for name, value in document.items()}
