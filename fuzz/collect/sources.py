"""Where calls can be had without downloading anything."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from archsmith.fuzz.call import CallRecord
from archsmith.fuzz.collect.architectures import architecture_entries, architecture_records
from archsmith.fuzz.collect.docstrings import docstring_entries, docstring_records
from archsmith.fuzz.collect.module_database import module_database_entries, module_database_records
from archsmith.fuzz.collect.op_database import op_database_entries, op_database_records


@dataclass(frozen=True, slots=True)
class Source:
    """The names of its entries, and the calls of one; the second argument hears what is left out, and why."""

    entries: Callable[[], Sequence[str]]
    records: Callable[[str, Callable[[str], None]], Iterator[CallRecord]]


SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "op_db": Source(op_database_entries, op_database_records),
        "module_db": Source(module_database_entries, module_database_records),
        "docs": Source(docstring_entries, docstring_records),
        "architectures": Source(architecture_entries, architecture_records),
    }
)
"""By the names that people give them."""
