"""A model's JSON schema -> the structural schema of a CustomResourceDefinition; whatever has no translation raises."""

from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from berth.api.schema import Rule, Shape

Schema = dict[str, Any]

KEPT = frozenset(
    {
        "type",
        "description",
        "enum",
        "default",
        "minimum",
        "maximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "required",
        "nullable",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-map-type",
        "x-kubernetes-validations",
    }
)
DROPPED = frozenset({"title", "$defs", "examples"})
FORMATS = frozenset({"date-time", "date", "byte", "int32", "int64", "float", "double"})
VALIDATIONS = "x-kubernetes-validations"


class UntranslatableError(ValueError):
    """A model says something that a CustomResourceDefinition cannot."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path or 'the model'}: {problem}")


def validation(rule: Rule) -> Schema:
    """A rule as the API server takes it."""
    said = {"rule": rule.cel, "message": rule.message}
    return {**said, "fieldPath": rule.field} if rule.field else said


class _WithRules(GenerateJsonSchema):
    """Adds what pydantic leaves out: the rules of each class, and the defaults that a factory makes."""

    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        if "default_factory" in schema and not schema.get("default_factory_takes_data"):
            return cast("Any", schema["default_factory"])()
        return super().get_default_value(schema)

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        json_schema = super().model_schema(schema)
        cls = schema["cls"]
        if issubclass(cls, Shape) and cls.rules:
            json_schema[VALIDATIONS] = [validation(rule) for rule in cls.rules]
        return json_schema


def structural(model: type[BaseModel]) -> Schema:
    """The structural schema of a model."""
    raw = model.model_json_schema(by_alias=True, schema_generator=_WithRules)
    return _Translation(raw.get("$defs", {})).node(raw, "", ())


class _Translation:
    """One walk over a JSON schema. `seen` holds the definitions that the walk is inside of: recursion raises."""

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self.definitions = definitions

    def node(self, schema: Schema, path: str, seen: tuple[str, ...]) -> Schema:
        while "$ref" in schema or "anyOf" in schema:
            if "$ref" in schema:
                schema, seen = self._inlined(schema, path, seen)
            else:
                schema = _collapsed(schema, path)
        out: Schema = {}
        for key, value in schema.items():
            if key in KEPT:
                out[key] = value
            elif key not in DROPPED:
                _merge(out, self._keyword(key, value, path, seen), path)
        _check(out, path)
        return out

    def _inlined(self, schema: Schema, path: str, seen: tuple[str, ...]) -> tuple[Schema, tuple[str, ...]]:
        name = str(schema["$ref"]).removeprefix("#/$defs/")
        if name in seen:
            raise UntranslatableError(path, f"{name} contains itself, and a structural schema has no references")
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return {**self.definitions[name], **beside}, (*seen, name)

    def _keyword(self, key: str, value: Any, path: str, seen: tuple[str, ...]) -> Schema:
        match key, value:
            case "properties", dict():
                members = cast("dict[str, Schema]", value)
                return {key: {name: self._property(node, f"{path}.{name}", seen) for name, node in members.items()}}
            case "items", dict():
                return {key: self.node(cast("Schema", value), f"{path}[]", seen)}
            case "additionalProperties", dict():
                return {key: self.node(cast("Schema", value), f"{path}.*", seen)}
            case "patternProperties", dict() if len(cast("Schema", value)) == 1:
                # What pydantic makes of a map whose keys have a pattern.
                ((pattern, node),) = cast("dict[str, Schema]", value).items()
                below = self.node(node, f"{path}.*", seen)
                return {"additionalProperties": below, VALIDATIONS: [_key_rule({"pattern": pattern}, path)]}
            case _:
                return _word(key, value, path)

    def _property(self, schema: Schema, path: str, seen: tuple[str, ...]) -> Schema:
        if not schema.get("description"):
            raise UntranslatableError(path, "a field needs a docstring: it is what `kubectl explain` prints")
        return self.node(schema, path, seen)


def _word(key: str, value: Any, path: str) -> Schema:
    match key, value:
        case "additionalProperties", False:
            # The server prunes, and refuses under strict validation.
            return {}
        case "propertyNames", dict():
            return {VALIDATIONS: [_key_rule(cast("Schema", value), path)]}
        case "const", _:
            return {"enum": [value]}
        case (("exclusiveMinimum" | "exclusiveMaximum"), (int() | float())):
            return {key.removeprefix("exclusive").lower(): value, key: True}
        case "uniqueItems", True:
            return {"x-kubernetes-list-type": "set"}
        case "format", str() if value in FORMATS:
            return {key: value}
        case _:
            raise UntranslatableError(path, f"{key}: {value!r} has no translation")


def _collapsed(schema: Schema, path: str) -> Schema:
    """`anyOf` of one shape and null is that shape, left out or not; of int and str it is Kubernetes' IntOrString."""
    branches = [branch for branch in schema["anyOf"] if branch != {"type": "null"}]
    beside = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(branches) < len(schema["anyOf"]) and beside.get("default", ...) is None:
        del beside["default"]
    if len(branches) == 1:
        return {**branches[0], **beside}
    if sorted(str(branch.get("type")) for branch in branches) != ["integer", "string"]:
        raise UntranslatableError(path, f"anyOf: {branches!r} has no translation")
    either: Schema = {"x-kubernetes-int-or-string": True, **beside}
    for branch in branches:
        _merge(either, {key: value for key, value in branch.items() if key != "type"}, path)
    return either


def _merge(out: Schema, more: Schema, path: str) -> None:
    for key, value in more.items():
        if key == VALIDATIONS:
            out[key] = [*out.get(key, []), *value]
        elif out.get(key, value) != value:
            raise UntranslatableError(path, f"{key} is both {out[key]!r} and {value!r}")
        else:
            out[key] = value


def _key_rule(names: Schema, path: str) -> Schema:
    """The API server knows no propertyNames, but CEL sees a map's keys."""
    tests: list[str] = []
    for key, value in names.items():
        match key, value:
            case "maxLength", int():
                tests.append(f"key.size() <= {value}")
            case "minLength", int():
                tests.append(f"key.size() >= {value}")
            case "pattern", str() if "'" not in value and "\\" not in value:
                tests.append(f"key.matches('{value}')")
            case "type" | "title", _:
                pass
            case _:
                raise UntranslatableError(path, f"propertyNames: {key}: {value!r} has no translation")
    limits = ", ".join(f"{key} {value}" for key, value in names.items() if key not in {"type", "title"})
    return {"rule": f"self.all(key, {' && '.join(tests)})", "message": f"a key is out of bounds ({limits})"}


def _check(out: Schema, path: str) -> None:
    """What the API server would refuse later, refused here with the field's path."""
    default = _without_nulls(out.get("default", ...), path)
    if default is not ...:
        out["default"] = default
    required: set[str] = set(out.get("required", ()))
    if isinstance(default, dict) and (missing := required - default.keys()):
        raise UntranslatableError(path, f"the default lacks the required {', '.join(sorted(missing))}")
    item: Schema = out.get("items", {})
    for key in out.get("x-kubernetes-list-map-keys", ()):
        if key not in item.get("required", ()) and "default" not in item.get("properties", {}).get(key, {}):
            raise UntranslatableError(path, f"the list's key {key} must be required or have a default")


def _without_nulls(default: Any, path: str) -> Any:
    if default is None:
        raise UntranslatableError(path, "the default is null, but the field takes no null")
    if isinstance(default, dict):
        members = cast("dict[str, Any]", default)
        return {key: _without_nulls(value, path) for key, value in members.items() if value is not None}
    return default
