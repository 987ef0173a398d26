"""Matrix products, with and without weights of their own."""

from archsmith.graph.book import Attribute, Operator
from archsmith.graph.ops.dims import dims, tensor
from archsmith.graph.rules import rule

_OUT = Attribute("out", int, None, (1, 2, 4, 8))
_BIAS = Attribute("bias", bool, True, (True, False))


def _linear() -> Operator:
    rules = tuple(
        rule(
            "linear",
            [tensor("float32", [*dims(rank - 1), "C"])],
            [tensor("float32", [*dims(rank - 1), "out"])],
            requires=["out >= 1"],
            constants={"bias": bias},
            parameters={"weight": "out, C"} | ({"bias": "out"} if bias else {}),
            macs="*".join([*dims(rank - 1), "C", "out"]),
        )
        for rank in (1, 2, 3, 4)
        for bias in (True, False)
    )
    return Operator("linear", "affine map of the last dimension", (_OUT, _BIAS), rules)


LINEAR = (
    _linear(),
    Operator(
        "matmul",
        "matrix product, over a leading batch dimension if there is one",
        (),
        (
            rule("matmul", ["Float[M, K]", "Float[K, L]"], ["Float[M, L]"], macs="M*K*L"),
            rule("matmul", ["Float[M, K]", "Float[K]"], ["Float[M]"], macs="M*K"),
            rule("matmul", ["Float[K]", "Float[K]"], ["Float"], macs="K"),
            rule("matmul", ["Float[B, M, K]", "Float[B, K, L]"], ["Float[B, M, L]"], macs="B*M*K*L"),
            rule("matmul", ["Float[B, M, K]", "Float[K, L]"], ["Float[B, M, L]"], macs="B*M*K*L"),
            rule("matmul", ["Float[A, B, M, K]", "Float[A, B, K, L]"], ["Float[A, B, M, L]"], macs="A*B*M*K*L"),
        ),
    ),
    Operator(
        "outer",
        "outer product of two vectors",
        (),
        (rule("outer", ["Number[M]", "Number[L]"], ["Number[M, L]"], macs="M*L"),),
    ),
)
