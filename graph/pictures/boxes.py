"""What the box of a node says: its operator, telling attributes, its shape if that is new, its colour."""

from collections.abc import Iterable
from dataclasses import dataclass
from unicodedata import category, east_asian_width

from archsmith.graph.graph import INPUT, Graph, Node, Scalar
from archsmith.graph.own import short
from archsmith.graph.types import TensorType

FAMILIES = (
    ("norm", ("norm",)),
    ("pool", ("pool",)),
    ("conv", ("conv", "fold")),
    ("attention", ("attention", "embedding", "token", "lstm", "gru", "rnn")),
    ("linear", ("linear", "matmul", "bmm", "einsum", "addmm", "dense", "outer")),
    (
        "activation",
        ("elu", "silu", "swish", "mish", "sigmoid", "tanh", "softmax", "soft", "dropout", "glu", "hard"),
    ),
    (
        "reduction",
        ("sum", "mean", "amax", "amin", "argm", "prod", "var", "std", "cum", "reduce", "any", "all"),
    ),
    ("reduction", ("topk", "sort", "with_index")),
    (
        "shape",
        ("reshape", "view", "flatten", "transpose", "permute", "cat", "stack", "split", "chunk", "squeeze"),
    ),
    (
        "shape",
        ("expand", "pad", "slice", "narrow", "select", "roll", "flip", "tile", "repeat", "shuffle", "gather"),
    ),
    ("shape", ("upsample", "interpolate", "index", "broadcast", "identity", "cast")),
)
"""Colour families with fragments of the operator names that belong to them; the first fit is taken."""

ARITHMETIC = "arithmetic"
"""The family of every operator that no fragment fits: most of them compute element by element."""

NEUTRAL = {"stride": 1, "dilation": 1, "groups": 1, "padding": 0, "bias": True, "affine": True}
"""Attribute values that a box leaves out because they change nothing; the tooltip has them all."""

NAME_SIZE, SMALL_SIZE = 12.0, 10.5
ADVANCE = 0.61
"""Width of a monospaced character in units of the font size, the widest of the fonts in ``graph.css``."""

MARGIN = 11.0
NAME_COLUMNS, TYPE_COLUMNS, ATTRIBUTE_COLUMNS = 28, 26, 34


@dataclass(frozen=True, slots=True)
class Box:
    """A node as drawn, without its place: texts already shortened, sizes in SVG user units."""

    family: str
    name: str
    shape: str
    attributes: str
    title: str
    width: float
    height: float


def node_box(graph: Graph, position: int) -> Box:
    """The box of the node at ``position``; its shape is named where it is not that of its first input."""
    node = graph.nodes[position]
    changed = not node.inputs or node.types != (graph.type_of(node.inputs[0]),)
    told = [f"{name}={_scalar(value)}" for name, value in node.attributes if NEUTRAL.get(name) != value]
    title = "\n".join(map(visible, _title(graph, position, node)))
    shape = ", ".join(map(short_type, node.types)) if changed else ""
    return _box(family(node.operator), short(node.operator), shape, " ".join(told), title)


def end_box(name: str, type: TensorType) -> Box:
    """The box in which a graph's output ends."""
    return _box("end", name, short_type(type), "", f"{name}: {type}")


def _box(kind: str, name: str, shape: str, attributes: str, title: str) -> Box:
    name, shape = fit(name, NAME_COLUMNS), fit(shape, TYPE_COLUMNS)
    attributes = fit(attributes, ATTRIBUTE_COLUMNS)
    first = columns(name) * NAME_SIZE * ADVANCE + (columns(shape) + 2) * SMALL_SIZE * ADVANCE * bool(shape)
    second = columns(attributes) * SMALL_SIZE * ADVANCE
    width = max(first, second, 40.0) + 2 * MARGIN
    return Box(kind, name, shape, attributes, title, round(width, 1), 40.0 if attributes else 25.0)


def family(operator: str) -> str:
    """The colour family of an operator's name."""
    if operator == INPUT:
        return "end"
    name = short(operator).lower()
    return next((kind for kind, parts in FAMILIES if any(part in name for part in parts)), ARITHMETIC)


def short_type(type: TensorType) -> str:
    """``1×16×8×8``, with the dtype in front of it unless that is float32.

    >>> short_type(TensorType((4, 10), "int64"))
    'int64 4×10'
    """
    sizes = "×".join(map(str, type.shape)) or "scalar"
    return sizes if type.dtype == "float32" else f"{type.dtype} {sizes}"


def _title(graph: Graph, position: int, node: Node) -> Iterable[str]:
    yield f"%{position} {node.operator}"
    for name, value in node.attributes:
        yield f"{name} = {_scalar(value)}"
    for source in node.inputs:
        yield f"from %{source.node}: {graph.type_of(source)}"
    for type in node.types:
        yield f"gives {type}"


def _scalar(value: Scalar) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def columns(text: str) -> int:
    """Width of ``text`` in monospaced columns: wide East Asian characters and emoji take two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def fit(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns: an ellipsis where it was cut, and nothing invisible."""
    shown = visible(text[: width + 1])
    if columns(shown) <= width:
        return shown
    while columns(shown) >= width:
        shown = shown[:-1]
    return shown + "…"


def visible(text: str) -> str:
    """``text`` without control characters, which XML forbids, and without those that turn its direction."""
    return "".join("\N{REPLACEMENT CHARACTER}" if category(c)[0] == "C" else c for c in text)
