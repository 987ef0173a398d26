"""The declared operators, one file a family, and the book of them all."""

from archsmith.graph.book import RuleBook
from archsmith.graph.learned import shipped
from archsmith.graph.ops.attention import ATTENTION
from archsmith.graph.ops.convolution import CONVOLUTION
from archsmith.graph.ops.join import JOIN
from archsmith.graph.ops.linear import LINEAR
from archsmith.graph.ops.normalisation import NORMALISATION
from archsmith.graph.ops.pointwise import POINTWISE
from archsmith.graph.ops.pooling import POOLING
from archsmith.graph.ops.reduction import REDUCTION
from archsmith.graph.ops.shape import SHAPE

DECLARED = RuleBook(
    (*POINTWISE, *CONVOLUTION, *POOLING, *LINEAR, *ATTENTION, *NORMALISATION, *REDUCTION, *SHAPE, *JOIN),
    further=shipped,
)
"""The rule book that people wrote by hand; behind it stands the one that was learned, for names such as torch.roll."""
