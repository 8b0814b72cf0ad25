"""What External Secrets fetches for a revision: one ExternalSecret for variables, one for each registry's login."""

from collections.abc import Iterable

from berth import names
from berth.adapters import SecretStore
from berth.api.task_definition_revision import TaskDefinitionRevisionSpec
from berth.plan.outcome import Blocked, Child, Json
from berth.plan.place import Place
from berth.plan.registry import Login, logins
from berth.plan.secret import Fetched, fetched, secret_name
from berth.resources import EXTERNAL_SECRET

PULL_SECRET = "kubernetes.io/dockerconfigjson"  # noqa: S105  # a type's name


def external_secrets(spec: TaskDefinitionRevisionSpec, place: Place) -> list[Child] | Blocked:
    """They belong to the revision, so that every Service that runs it shares them, for as long as it is kept."""
    wanted = {one.key: one for one in fetched(spec, place)}
    children = [_variables(spec, list(wanted.values()), place)] if wanted else []
    children += [_login(spec, login, place) for login in logins(spec, place)]
    if children and EXTERNAL_SECRET in place.absent:
        return Blocked(
            "ExternalSecretsMissing",
            "secrets: the platform file names a secret store, but the cluster has no External Secrets "
            f"({EXTERNAL_SECRET.api_version}); install it, or map the secrets in `secrets.mapped`",
        )
    return children


def unfetched(objects: Iterable[Json]) -> Blocked | None:
    """What External Secrets says about the first secret that it cannot fetch."""
    for one in objects:
        for condition in one["status"]["conditions"]:
            if condition["type"] == "Ready" and condition["status"] == "False":
                name, said = one["metadata"]["name"], condition.get("message") or condition.get("reason", "")
                return Blocked(
                    "SecretNotFetched",
                    f"secrets: ExternalSecret {name}: {said}; `kubectl describe externalsecret {name}` shows more, and "
                    "tasks wait until it is cured",
                )
    return None


def _variables(spec: TaskDefinitionRevisionSpec, wanted: list[Fetched], place: Place) -> Child:
    name = secret_name(spec)
    data = [
        {
            "secretKey": one.key,
            "remoteRef": _remote(one),
            "sourceRef": {"storeRef": _store(one.store)},
        }
        for one in wanted
    ]
    return Child(EXTERNAL_SECRET, name, _manifest(spec, place, {"target": _target(name), "data": data}))


def _login(spec: TaskDefinitionRevisionSpec, login: Login, place: Place) -> Child:
    """A pull secret; the values are put in by External Secrets' own template, and quoted by it."""
    user = '{"username":{{ .username | toJson }},"password":{{ .password | toJson }}}'
    auth = f'{{"auths":{{"{login.registry}":{user}}}}}'
    template = {"type": PULL_SECRET, "data": {".dockerconfigjson": auth}}
    data = [{"secretKey": part, "remoteRef": _reference(login.key, part, "")} for part in ("username", "password")]
    body: Json = {
        "secretStoreRef": _store(login.store),
        "target": {**_target(login.name), "template": template},
        "data": data,
    }
    return Child(EXTERNAL_SECRET, login.name, _manifest(spec, place, body))


def _manifest(spec: TaskDefinitionRevisionSpec, place: Place, body: Json) -> Json:
    labels = {
        names.MANAGED_BY: names.FIELD_MANAGER,
        names.TASK_DEFINITION: spec.task_definition,
        names.FAMILY: names.label_value(spec.family or spec.task_definition),
    }
    timing = {"refreshPolicy": "Periodic", "refreshInterval": place.platform.secrets.refresh_interval}
    return {"metadata": {"labels": labels}, "spec": {**timing, **body}}


def _target(name: str) -> Json:
    return {"name": name, "creationPolicy": "Owner", "deletionPolicy": "Retain"}


def _store(store: SecretStore) -> Json:
    return {"name": store.name, "kind": store.kind}


def _remote(one: Fetched) -> Json:
    return _reference(one.remote.key, one.remote.json_key, one.remote.version)


def _reference(key: str, json_key: str, version: str) -> Json:
    """With the defaults that the API server puts into items of a list."""
    defaults = {"conversionStrategy": "Default", "decodingStrategy": "None", "metadataPolicy": "None"}
    made: Json = {"key": key, **defaults}
    if json_key:
        made["property"] = json_key
    if version:
        made["version"] = version
    return made
