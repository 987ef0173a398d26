"""What transformers are made of, beside matrix products: attention, and learned vectors for places."""

from archsmith.graph.book import Operator
from archsmith.graph.rules import rule

ATTENTION = (
    Operator(
        "scaled_dot_product_attention",
        "for each query the mean of the values, weighted by its likeness to the keys (Vaswani et al. 2017)",
        (),
        (
            rule(
                "scaled_dot_product_attention",
                ["Float[N, M, K]", "Float[N, L, K]", "Float[N, L, V]"],
                ["Float[N, M, V]"],
                macs="N*M*L*(K + V)",
            ),
            rule(
                "scaled_dot_product_attention",
                ["Float[N, H, M, K]", "Float[N, H, L, K]", "Float[N, H, L, V]"],
                ["Float[N, H, M, V]"],
                macs="N*H*M*L*(K + V)",
            ),
        ),
    ),
    Operator(
        "class_token",
        "a learned vector put in front of a sequence (Devlin et al. 2019)",
        (),
        (rule("class_token", ["float32[N, T, C]"], ["float32[N, T + 1, C]"], parameters={"vector": "C"}),),
    ),
    Operator(
        "position_embedding",
        "a learned vector added to each place of a sequence (Dosovitskiy et al. 2021)",
        (),
        (rule("position_embedding", ["float32[N, T, C]"], ["float32[N, T, C]"], parameters={"vectors": "T, C"}),),
    ),
)
