"""What becomes of each field of ECS: one table for the importer, `berth explain` and docs/differences.md."""

from berth.fields.field import Field, Verdict
from berth.fields.merged import note_of
from berth.fields.table import CALLS, Call, calls, lookup, nearest

__all__ = ["CALLS", "Call", "Field", "Verdict", "calls", "lookup", "nearest", "note_of"]
