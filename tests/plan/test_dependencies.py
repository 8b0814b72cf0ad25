"""The order of containers: whatever the graph, nobody starts before those that it waits for."""

from hypothesis import given
from hypothesis import strategies as st

from berth.api.container import ContainerDefinition
from berth.plan.dependencies import edges, layout, reached, refused

CONDITIONS = ("START", "HEALTHY", "SUCCESS", "COMPLETE")


@st.composite
def graphs(draw: st.DrawFn) -> list[ContainerDefinition]:
    """Up to ten containers that wait for one another in any way, cycles included."""
    names = [f"c{number}" for number in range(draw(st.integers(1, 10)))]
    made: list[ContainerDefinition] = []
    for name in names:
        others = draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
        made.append(
            ContainerDefinition.model_validate(
                {
                    "name": name,
                    "image": "x",
                    "essential": draw(st.booleans()),
                    "healthCheck": {"command": ["CMD", "ok"]},
                    "entryPoint": ["/run"],
                    "links": draw(st.lists(st.sampled_from(names), max_size=1)),
                    "dependsOn": [
                        {"containerName": other, "condition": draw(st.sampled_from(CONDITIONS))} for other in others
                    ],
                }
            )
        )
    return made


def _has_cycle(definitions: list[ContainerDefinition]) -> bool:
    found = {one.name: {edge.container_name for edge in one.depends_on or ()} for one in definitions}
    waits = {name: {(other, "") for other in others} for name, others in found.items()}
    return any(
        name in reached({key: dict(value) for key, value in waits.items()}, other)
        for name, others in found.items()
        for other in others
    )


@given(graphs())
def test_a_cycle_is_refused_and_nothing_else_is_called_one(definitions: list[ContainerDefinition]) -> None:
    blocked = refused(definitions)
    assert (blocked is not None and blocked.reason == "DependencyCycle") == _has_cycle(definitions)


@given(graphs())
def test_nobody_starts_before_those_that_it_waits_for(definitions: list[ContainerDefinition]) -> None:
    if refused(definitions) is not None:
        return
    placed = layout(definitions)
    order = {one.name: index for index, one in enumerate((*placed.init, *placed.main))}
    assert sorted(order) == sorted(one.name for one in definitions)
    for name, waits in edges(definitions).items():
        for other in waits:
            assert order[other] < order[name]
            assert placed.roles[other] != "main"


@given(graphs())
def test_every_task_has_a_main_container_and_what_is_to_end_does(definitions: list[ContainerDefinition]) -> None:
    if refused(definitions) is not None:
        return
    placed = layout(definitions)
    assert placed.main
    for one in definitions:
        ended = bool({"SUCCESS", "COMPLETE"} & placed.awaited.get(one.name, frozenset()))
        assert ended == (placed.roles[one.name] == "once")
