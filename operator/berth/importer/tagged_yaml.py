"""YAML as CloudFormation has it: tags are functions, and only JSON's own words are more than text."""

import re
from typing import Any, cast

import yaml

from berth.importer.twice import Doubled, Keys

MERGE = "tag:yaml.org,2002:merge"
_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(_Safe):  # type: ignore[misc]  # libyaml's when it is there
    """`yes` stays a text, an account number keeps its zeros, a port mapping 22:22 is no number to the base of sixty."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # as PyYAML wants it

    def __init__(self, stream: str) -> None:
        super().__init__(stream)  # pyright: ignore[reportUnknownMemberType]  # PyYAML is untyped
        self.doubled: dict[tuple[str, int], Doubled] = {}

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Looks for keys that stand twice before merges bring in others, which may stand here again."""
        keys = Keys()
        for key, _ in node.value:
            # What a merge brought in earlier stands elsewhere in the text.
            own = node.start_mark.index <= key.start_mark.index < node.end_mark.index
            if own and isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
                found = keys.add(str(key.value), key.start_mark.line + 1)
                if found is not None:
                    self.doubled[found.key, found.line] = found
        super().flatten_mapping(node)  # pyright: ignore[reportUnknownMemberType]  # as above


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,17})$"), list("-+0123456789")
)
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]{1,2})?$"), list("-+0123456789")
)
Loader.add_implicit_resolver(MERGE, re.compile(r"^<<$"), ["<"])


def _function(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(cast("yaml.MappingNode", node), deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _function)


def load_all(text: str, doubled: list[Doubled]) -> list[Any]:
    """Every document of a stream that is not empty; keys that stand twice are added to the list."""
    loader = Loader(text)
    found: list[Any] = []
    try:
        while loader.check_data():
            found.append(loader.get_data())
    finally:
        loader.dispose()
    doubled += loader.doubled.values()
    return [document for document in found if document is not None]
