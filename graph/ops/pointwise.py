"""Element-wise operators: one input of any rank, or several that broadcast."""

from archsmith.graph.book import Attribute, Operator
from archsmith.graph.ops.dims import RANKS, dims, tensor
from archsmith.graph.rules import Rule, rule


def _unary(name: str, summary: str, takes: str, *attributes: Attribute, returns: str | None = None) -> Operator:
    rules = tuple(rule(name, [tensor(takes, dims(rank))], [tensor(returns or takes, dims(rank))]) for rank in RANKS)
    return Operator(name, summary, attributes, rules)


def _cast(dtype: str) -> tuple[Rule, ...]:
    fixed = {"dtype": dtype}
    # Into floats and booleans from anything: casts of floats to integers are left out, because C++ leaves
    # out-of-range values undefined.
    return tuple(
        rule("cast", [tensor("Any", dims(rank))], [tensor(dtype, dims(rank))], constants=fixed) for rank in RANKS
    )


def broadcast(name: str, takes: str, returns: str | None = None, *, ranks: range = range(5)) -> tuple[Rule, ...]:
    """Rules for two inputs that broadcast: aligned at the last dimension, equal or 1 in each."""
    rules = []
    for left in ranks:
        for right in ranks:
            a, b = dims(left, "a"), dims(right, "b")
            shared = min(left, right)
            pairs = list(zip(a[left - shared :], b[right - shared :], strict=True))
            longer = a[: left - shared] or b[: right - shared]
            rules.append(
                rule(
                    name,
                    [tensor(takes, a), tensor(takes, b)],
                    [tensor(returns or takes, [*longer, *(f"max({p}, {q})" for p, q in pairs)])],
                    requires=[f"{p} == {q} or {p} == 1 or {q} == 1" for p, q in pairs],
                )
            )
    return tuple(rules)


def _binary(name: str, summary: str, takes: str, returns: str | None = None) -> Operator:
    return Operator(name, summary, (), broadcast(name, takes, returns))


def _where() -> Operator:
    rules = tuple(
        rule(
            "where",
            [tensor("bool", dims(rank)), tensor("Any", dims(rank)), tensor("Any", dims(rank))],
            [tensor("Any", dims(rank))],
        )
        for rank in RANKS
    )
    return Operator("where", "takes from the second input where the first is true, else from the third", (), rules)


_SLOPE = Attribute("slope", float, 0.01, (0.01, 0.2))
_ALPHA = Attribute("alpha", float, 1.0, (1.0, 0.5))
_LOW = Attribute("low", float, -1.0, (-1.0, 0.0), most=0.0)
_HIGH = Attribute("high", float, 1.0, (1.0, 6.0), least=0.0)
_RATE = Attribute("rate", float, 0.5, (0.5, 0.1), least=0.0, most=1.0)
_DTYPE = Attribute("dtype", str, None, ("float32", "float64", "bool"))

POINTWISE = (
    _unary("identity", "its input", "Any"),
    _unary("relu", "max(x, 0)", "Number"),
    _unary("gelu", "x times the normal distribution function of x", "Float"),
    _unary("silu", "x sigmoid(x), also called swish", "Float"),
    _unary("sigmoid", "1 / (1 + exp(-x))", "Float"),
    _unary("tanh", "hyperbolic tangent", "Float"),
    _unary("softplus", "log(1 + exp(x))", "Float"),
    _unary("hardswish", "x relu6(x + 3) / 6", "Float"),
    _unary("hardsigmoid", "relu6(x + 3) / 6", "Float"),
    _unary("mish", "x tanh(softplus(x))", "Float"),
    _unary("leaky_relu", "x where positive, else slope * x", "Float", _SLOPE),
    _unary("elu", "x where positive, else alpha * (exp(x) - 1)", "Float", _ALPHA),
    _unary("hardtanh", "x held between low and high", "Float", _LOW, _HIGH),
    _unary("dropout", "zeroes elements at the given rate while training", "Float", _RATE),
    _unary("neg", "-x", "Number"),
    _unary("abs", "|x|", "Number"),
    _unary("sign", "-1, 0 or 1", "Number"),
    _unary("square", "x * x", "Number"),
    _unary("exp", "e to the x", "Float"),
    _unary("sin", "sine", "Float"),
    _unary("cos", "cosine", "Float"),
    _unary("erf", "error function", "Float"),
    _unary("floor", "greatest integer not above x", "Float"),
    _unary("ceil", "least integer not below x", "Float"),
    _unary("logical_not", "true where zero", "Any", returns="bool"),
    Operator(
        "cast",
        "the same values in another dtype",
        (_DTYPE,),
        _cast("float32") + _cast("float64") + _cast("bool"),
    ),
    _binary("add", "sum, broadcasting", "Number"),
    _binary("sub", "difference, broadcasting", "Number"),
    _binary("mul", "product, broadcasting", "Number"),
    _binary("maximum", "greater of two, broadcasting", "Number"),
    _binary("minimum", "lesser of two, broadcasting", "Number"),
    _binary("eq", "equality, broadcasting", "Any", "bool"),
    _binary("lt", "less than, broadcasting", "Number", "bool"),
    _binary("ge", "at least, broadcasting", "Number", "bool"),
    _binary("logical_and", "both non-zero, broadcasting", "Any", "bool"),
    _binary("logical_xor", "just one non-zero, broadcasting", "Any", "bool"),
    _where(),
)
