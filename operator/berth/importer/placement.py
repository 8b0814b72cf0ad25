"""What a definition says of places and the operator would refuse: told by the import already, in the same words."""

from berth.adapters import Platform
from berth.api.daemon import DAEMON
from berth.api.placement import PlacementConstraint
from berth.importer.report import Location, Row
from berth.importer.shapes import Json, is_list, is_object
from berth.plan.placement_constraint import FIELD, refused


def misplaced(spec: Json, rows: list[Row]) -> set[Location]:
    """The places to leave out: constraints that nodes cannot fulfil, and how many tasks a daemon had in AWS."""
    found: set[Location] = set()
    constraints = spec.get(FIELD)
    for index, constraint in enumerate(constraints if is_list(constraints) else ()):
        expression = constraint.get("expression") if is_object(constraint) else None
        if not isinstance(expression, str):
            continue
        asked = PlacementConstraint.model_construct(type="memberOf", expression=expression)
        if fault := refused([asked], Platform()):
            why = fault.message.partition(": ")[2]
            found.add((FIELD, index))
            for row in rows:
                if row.target is not None and row.target[:2] == (FIELD, index):
                    row.refuse(why)
    if spec.get("schedulingStrategy") == DAEMON and "desiredCount" in spec:
        found.add(("desiredCount",))
        for row in rows:
            if row.target == ("desiredCount",):
                row.verdict, row.becomes, row.target = "ignored", "", None
                row.note = "A daemon has one task on each node, however many there are."
    return found
