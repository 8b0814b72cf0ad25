"""CloudFormation and CDK: functions become values where the template knows them, placeholders where only AWS does."""

import re
from typing import Any

from berth.importer import scalars
from berth.importer.conditions import Conditions
from berth.importer.shapes import Json, is_list, is_object, is_scalar
from berth.importer.worked_out import worked

TASK_DEFINITION = "AWS::ECS::TaskDefinition"
SERVICE = "AWS::ECS::Service"
CLUSTER = "AWS::ECS::Cluster"
CAPACITY_PROVIDER = "AWS::ECS::CapacityProvider"
NAMES = {
    TASK_DEFINITION: "Family",
    SERVICE: "ServiceName",
    CLUSTER: "ClusterName",
    CAPACITY_PROVIDER: "Name",
}
OWN_NAME = frozenset({"Name", "ServiceArn", "TaskDefinitionArn", "Arn"})
"""Attributes by which a resource of ours is found as by its name."""
NO_VALUE = "AWS::NoValue"
_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")
_DEEP = 20
_SHORT = 60
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_HASH = re.compile(r"(?<=[A-Za-z])[0-9A-F]{8}$")
"""What CDK puts at the end."""
_FROM_STORE = "AWS::SSM::Parameter::"


def is_template(document: Json) -> bool:
    resources = document.get("Resources")
    return is_object(resources) and any(
        is_object(one) and str(one.get("Type", "")).startswith("AWS::") for one in resources.values()
    )


def plain_name(logical: str) -> str:
    """WebService -> web-service: of a name that nobody but the template uses."""
    name, cut = _HASH.subn("", logical)
    return _WORD.sub("-", name).lower() + (f"-{logical[-8:].lower()}" if cut else "")


class Template:
    """What a template says about itself: defaults of parameters, mappings, and the names of its resources."""

    def __init__(self, document: Json) -> None:
        self.resources = {key: one for key, one in _object(document.get("Resources")).items() if is_object(one)}
        self._parameters = _object(document.get("Parameters"))
        self._mappings = _object(document.get("Mappings"))
        self.conditions = Conditions(_object(document.get("Conditions")), self._known)

    def of_type(self, kind: str) -> list[str]:
        return [name for name, one in self.resources.items() if one.get("Type") == kind]

    def left_out(self, name: str) -> bool:
        """True for a resource whose condition does not hold."""
        condition = self.resources[name].get("Condition")
        return condition is not None and self.conditions.holds(condition) is False

    def properties(self, name: str) -> Any:
        """The properties of a resource with all functions worked out as far as the template goes."""
        return self.resolved(self.resources[name].get("Properties"))

    def parameters_told(self) -> dict[str, str]:
        """A sentence for each parameter."""
        return {
            name: f"its default is taken wherever it is used: {_short(self._default(name))}"
            if self._default(name) is not None
            else f"has no default: fill in ${{{name}}} wherever it is used"
            for name in self._parameters
        }

    def _default(self, name: str) -> Any:
        parameter = _object(self._parameters[name])
        kind, default = str(parameter.get("Type", "")), parameter.get("Default")
        if not is_scalar(default) or kind.startswith(_FROM_STORE):
            # The default of such a parameter is the name under which its value is stored.
            return None
        if kind == "CommaDelimitedList" or kind.startswith("List<"):
            return [part.strip() for part in str(default).split(",")]
        return default

    def _known(self, value: Any) -> Any:
        """For conditions: an empty default is a value as others are."""
        if is_object(value) and list(value) == ["Ref"] and value["Ref"] in self._parameters:
            return self._default(str(value["Ref"]))
        return self.resolved(value)

    def resolved(self, value: Any, depth: int = 0) -> Any:
        if is_list(value):
            return [self.resolved(item, depth) for item in value]
        if not is_object(value):
            return value
        members = value
        if len(members) == 1:
            ((function, argument),) = members.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._function(function, argument, depth) if depth < _DEEP else "${...}"
        return {key: self.resolved(member, depth) for key, member in value.items()}

    def _function(self, function: str, argument: Any, depth: int) -> Any:
        if function == "Ref":
            return None if argument == NO_VALUE else self._reference(str(argument), depth)
        if function == "Fn::If" and is_list(argument) and len(argument) == 3:  # noqa: PLR2004  # name, then, else
            return self._branch(argument, depth)
        worked_out = self.resolved(argument, depth + 1)
        match function, worked_out:
            case "Fn::Sub", str():
                return self._substituted(worked_out, {}, depth)
            case "Fn::Sub", [str() as text, variables] if is_object(variables):
                return self._substituted(text, variables, depth)
            case "Fn::GetAtt", str() | [*_]:
                parts = worked_out if is_list(worked_out) else [worked_out]
                return self._attribute(".".join(map(str, parts)), depth)
            case _:
                return _composed(function, worked_out, self._mappings)

    def _branch(self, argument: list[Any], depth: int) -> Any:
        """The branch that counts, and of a condition that nobody knows here the first that says something."""
        known = self.conditions.holds(argument[0])
        branches = [self.resolved(branch, depth + 1) for branch in argument[1:]]
        taken = 0 if known or (known is None and branches[0] is not None) else 1
        other = "depends on the condition, which is not known here: the other branch is taken"
        why = other if known is None else "the condition decides for the other branch"
        beside = ((".Fn::If[0]", "the condition's name"), (f".Fn::If[{2 - taken}]", why))
        return worked(branches[taken], f".Fn::If[{taken + 1}]", beside)

    def _attribute(self, path: str, depth: int) -> Any:
        name, _, attribute = path.partition(".")
        ours = self._type(name) in NAMES
        return self._reference(name, depth) if ours and attribute in OWN_NAME else f"${{{path}}}"

    def _type(self, name: str) -> str:
        return str(self.resources.get(name, {}).get("Type"))

    def _reference(self, name: str, depth: int) -> Any:
        if name in self._parameters:
            default = self._default(name)
            return f"${{{name}}}" if default in (None, "", [""]) else worked(default)
        if self._type(name) in NAMES:
            given = _object(self.resources[name].get("Properties")).get(NAMES[self._type(name)])
            found = self.resolved(given, depth + 1) if depth < _DEEP else None
            return found if is_scalar(found) else plain_name(name)
        return f"${{{name}}}"

    def _attribute_or_reference(self, name: str, depth: int) -> Any:
        return self._attribute(name, depth) if "." in name else self._reference(name, depth)

    def _substituted(self, text: str, variables: Json, depth: int) -> str:
        def known(found: re.Match[str]) -> str:
            name = found[1]
            value = variables[name] if name in variables else self._attribute_or_reference(name, depth + 1)
            return found.group() if not is_scalar(value) else scalars.said(value)

        return _VARIABLE.sub(known, text).replace("${!", "${")


def _composed(function: str, argument: Any, mappings: Json) -> Any:
    """What functions make that need nothing but their arguments and the mappings."""
    match function, argument:
        case "Fn::Join", [str() as between, parts] if is_list(parts) and all(map(is_scalar, parts)):
            return between.join(map(scalars.said, parts))
        case "Fn::Select", [index, choices] if is_list(choices) and str(index) in map(str, range(len(choices))):
            return worked(choices[int(index)])
        case "Fn::Split", [str() as between, str() as text] if between and "${" not in text:
            return worked(text.split(between))
        case "Fn::FindInMap", [name, first, second, *_] if all(map(is_scalar, (name, first, second))):
            way = [scalars.said(part) for part in (name, first, second)]
            found = _object(_object(mappings.get(way[0])).get(way[1])).get(way[2])
            return worked(found) if found is not None else f"${{{'.'.join(way)}}}"
        case _:
            return f"${{{function.removeprefix('Fn::')} {_first_word(argument)}}}"


def _object(value: Any) -> Json:
    return value if is_object(value) else {}


def _short(value: Any) -> str:
    text = ",".join(map(str, value)) if is_list(value) else scalars.said(value)
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}..."


def _first_word(argument: Any) -> str:
    while is_list(argument) and argument:
        argument = argument[0]
    return argument if isinstance(argument, str) else "..."
