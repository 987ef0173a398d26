"""Architectures as numbers for surrogates: sparse mappings from names that stay the same to values.

A name that a mapping lacks has the value 0, and every encoding begins its names with a word of its own, so mappings
of several encodings can be merged. Nothing depends on the order in which a graph was built or on Python's ``hash``.
``vocabulary`` and ``vectors``, or ``hashed``, turn mappings into rows of equal length.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b

from archsmith.graph.errors import UserError
from archsmith.graph.graph import INPUT, Graph, Node, Scalar, Value
from archsmith.spaces.decisions import Derivation

Features = Mapping[str, float]
"""Values by name; what is not there is 0."""

Word = Callable[[Node], str]
"""How a node is written in the names of features: ``plain``, ``full``, one that ``naming`` makes, or your own."""

OUTPUT = "output"
"""How the end of a graph is written, as if it were a node that takes all that leaves the graph."""

EXACT = 2**53
"""Counts above this are given as this: a float holds no larger one exactly."""

LENGTH = 120
"""Characters above which the name of a subtree is replaced by its digest."""

Words = tuple[str, ...]


def plain(node: Node) -> str:
    """The operator alone: ``conv2d``."""
    return node.operator


def full(node: Node) -> str:
    """The operator with all attributes, an input with its type: ``dropout(rate=0.5)``, ``input(float32[1, 8])``."""
    return f"{INPUT}({node.types[0]})" if node.operator == INPUT else _called(node.operator, node.attributes)


def naming(*attributes: str) -> Word:
    """The operator with those of the attributes that it has; ``naming("kernel")`` writes ``conv2d(kernel=3)``."""

    def word(node: Node) -> str:
        return _called(node.operator, [entry for entry in node.attributes if entry[0] in attributes])

    return word


def _called(operator: str, attributes: Iterable[tuple[str, Scalar]]) -> str:
    inner = ", ".join(f"{name}={value!r}" for name, value in attributes)
    return f"{operator}({inner})" if inner else operator


def path_features(
    graph: Graph, *, longest: int | None = None, most: int = 100, counted: bool = False, word: Word = plain
) -> dict[str, float]:
    """Which sequences of operators lead from an input to an output: 1 for each, or with ``counted`` how many ways.

    This is the path encoding of White, Neiswanger and Savani (BANANAS, AAAI 2021). They found that it can be cut
    down to the shortest paths with little loss, so of more than ``most`` different sequences only the shortest are
    given (equally long ones in alphabetical order), and with ``longest`` none of more operators than that.

    With P(v) the sequences that end at node v, P(v) is the union over the inputs u of v of P(u), each with v's word
    added. A graph may have exponentially many; ``most`` are kept at each node. That loses nothing: a sequence behind
    ``most`` others at u is behind the same ones, a word longer, at v. So the result is exactly the first ``most`` of
    all, with exact counts, in O(edges * most * nodes) time. An edge that is there twice counts twice.

    Raises:
        UserError: ``most`` is less than 1, or ``longest`` less than 0.
    """
    _at_least("most", most, 1)
    if longest is not None:
        _at_least("longest", longest, 0)
    reaching: list[dict[Words, int]] = []
    for node in graph.nodes:
        paths = _merged(reaching, node.inputs)
        if node.operator != INPUT:
            own = (word(node),)
            paths = {path + own: count for path, count in paths.items() if longest is None or len(path) < longest}
        reaching.append(_shortest(paths, most))
    ways = _shortest(_merged(reaching, graph.outputs), most)
    return {
        "path " + " > ".join((INPUT, *path)): float(min(count, EXACT)) if counted else 1.0
        for path, count in ways.items()
    }


def _merged(reaching: Sequence[Mapping[Words, int]], values: Sequence[Value]) -> dict[Words, int]:
    """The paths to any of the values; the empty one where a path begins, at a node that takes none."""
    merged: dict[Words, int] = {} if values else {(): 1}
    for value in values:
        for path, count in reaching[value.node].items():
            merged[path] = merged.get(path, 0) + count
    return merged


def _shortest(paths: dict[Words, int], most: int) -> dict[Words, int]:
    if len(paths) <= most:
        return paths
    return {path: paths[path] for path in sorted(sorted(paths), key=len)[:most]}


def ngram_features(graph: Graph, n: int, *, word: Word = plain) -> dict[str, float]:
    """How often each sequence of 1 to ``n`` operators occurs along the edges; inputs and the output count as such.

    N-grams of operators are what the surrogate of DeepArchitect is given (Negrinho and Gordon 2017). With C(v, g) the
    occurrences of g that end at node v, C(v, (v's word)) = 1 and C(v, g + (v's word)) is the sum of C(u, g) over the
    inputs u of v. There are at most w**n different ones of w words, so a small ``n``, up to 4, is what is meant.

    Raises:
        UserError: ``n`` is less than 1.
    """
    _at_least("n", n, 1)
    total: Counter[Words] = Counter()
    ending: list[dict[Words, int]] = []
    for own, inputs in _vertices(graph, word):
        here: dict[Words, int] = {(own,): 1}
        for value in inputs:
            for gram, count in ending[value.node].items():
                if len(gram) < n:
                    longer = (*gram, own)
                    here[longer] = here.get(longer, 0) + count
        ending.append(here)
        total.update(here)
    return {"ngram " + " > ".join(gram): float(min(count, EXACT)) for gram, count in total.items()}


def subtree_features(graph: Graph, *, rounds: int = 2, word: Word = full) -> dict[str, float]:
    """How many nodes look alike up to 0, 1, ..., ``rounds`` steps back towards the inputs.

    These are the labels of Weisfeiler and Leman, whose counts are the features of the subtree kernel (Shervashidze et
    al., JMLR 2011) that NAS-BOWL searches architectures with (Ru et al., ICLR 2021), taken along the edges' direction:
    L(v, 0) is v's word, and L(v, k) is v's word with the sorted L(u, k-1) of its inputs u. The order of a node's inputs
    does not count. Names of more than ``LENGTH`` characters are digests.

    Raises:
        UserError: ``rounds`` is less than 0.
    """
    _at_least("rounds", rounds, 0)
    vertices = list(_vertices(graph, word))
    labels = [own for own, _ in vertices]
    counts = Counter(f"subtree 0 {label}" for label in labels)
    for depth in range(1, rounds + 1):
        labels = [_subtree(own, inputs, labels) for own, inputs in vertices]
        counts.update(f"subtree {depth} {label}" for label in labels)
    return {name: float(count) for name, count in counts.items()}


def _subtree(own: str, inputs: Sequence[Value], labels: Sequence[str]) -> str:
    if not inputs:
        return own
    inner = sorted(f"{labels[value.node]}.{value.output}" if value.output else labels[value.node] for value in inputs)
    text = f"{own}[{', '.join(inner)}]"
    return text if len(text) <= LENGTH else "#" + blake2b(text.encode(), digest_size=16).hexdigest()


def _vertices(graph: Graph, word: Word) -> Iterator[tuple[str, tuple[Value, ...]]]:
    """The nodes as words with what they take, and the end of the graph as one more."""
    for node in graph.nodes:
        yield word(node), node.inputs
    yield OUTPUT, graph.outputs


def adjacency_features(graph: Graph, *, nodes: int, words: Collection[str], word: Word = plain) -> dict[str, float]:
    """The upper triangle of the adjacency matrix, the nodes that leave the graph, and each node's word: 0 or 1.

    So are architectures encoded in NAS-Bench-101 (Ying et al., ICML 2019); here nodes are numbered in the graph's
    canonical order. Equal graphs have equal features and different ones different features as far as ``word`` and
    the order of inputs tell them apart, but isomorphic graphs whose inputs are in another order may be numbered
    otherwise. ``adjacency_names`` are the columns for graphs of up to ``nodes`` nodes, inputs included.

    Raises:
        UserError: the graph has more nodes, or one whose word is not in ``words``.
    """
    if len(graph.nodes) > nodes:
        raise UserError(f"adjacency features of {nodes} nodes hold no graph of {len(graph.nodes)}; give more nodes")
    features: dict[str, float] = {}
    for place, node in enumerate(graph.nodes):
        own = word(node)
        if own not in words:
            raise UserError(f"adjacency features need a word for every node; {own} is not in: {', '.join(words)}")
        features[f"node {place} is {own}"] = 1.0
        features |= {f"edge {value.node} > {place}": 1.0 for value in node.inputs}
    return features | {f"edge {value.node} > {OUTPUT}": 1.0 for value in graph.outputs}


def adjacency_names(*, nodes: int, words: Collection[str]) -> tuple[str, ...]:
    """Every name that ``adjacency_features`` can give: nodes * (nodes + 1) / 2 edges, nodes * words nodes."""
    edges = [f"edge {i} > {end}" for i in range(nodes) for end in (*range(i + 1, nodes), OUTPUT)]
    return (*edges, *(f"node {place} is {word}" for place in range(nodes) for word in words))


def trace_features(derivation: Derivation) -> dict[str, float]:
    """The answers by decision; ``replay`` makes a derivation of a trace.

    An unordered decision is one-hot: 1 for the option taken. An ordered one has the position of the option taken among
    the options, scaled to [0, 1], and a 1 that says that it was asked, without which its first option would look like
    a decision that was not.
    """
    features: dict[str, float] = {}
    for decision, (name, label) in zip(derivation.asked, derivation.trace.answers, strict=True):
        if decision.ordered:
            features[f"asked {name}"] = 1.0
            features[f"position {name}"] = decision.everywhere.index(label) / (len(decision.everywhere) - 1)
        else:
            features[f"answer {name} = {label!r}"] = 1.0
    return features


def vocabulary(rows: Iterable[Features]) -> tuple[str, ...]:
    """Every name of the rows, sorted: the columns of ``vectors``."""
    return tuple(sorted({name for row in rows for name in row}))


def vectors(rows: Iterable[Features], names: Sequence[str]) -> list[list[float]]:
    """A row of numbers for each mapping, a column for each of ``names``; other names are left out.

    To ask a surrogate about new architectures, give the names that it was fitted with.
    """
    return [[row.get(name, 0.0) for name in names] for row in rows]


def hashed(features: Features, buckets: int) -> list[float]:
    """A row of ``buckets`` numbers for any names, known beforehand or not (Weinberger et al., ICML 2009).

    Each name's digest (BLAKE2b) says which number its value is added to or, as often, subtracted from, so that inner
    products of rows are those of the mappings on average.

    Raises:
        UserError: ``buckets`` is less than 1.
    """
    _at_least("buckets", buckets, 1)
    row = [0.0] * buckets
    for name, value in features.items():
        number = int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
        row[(number >> 1) % buckets] += value if number & 1 else -value
    return row


def _at_least(name: str, given: int, least: int) -> None:
    if given < least:
        raise UserError(f"{name} must be at least {least}; got {given}")
