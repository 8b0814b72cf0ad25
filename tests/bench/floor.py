"""The floor: the writes that no operator can do without, sent by a client that does nothing else.

The objects are those that the plan makes of the live Services, with names, labels and owner references as the operator
sends them, and one status for each Service. All is encoded before the clock runs, and no answer is decoded.
"""

from collections import defaultdict
from datetime import UTC, datetime

import orjson

from bench.client import APPLY, Client, Json, Write, merge, side_by_side
from berth.controllers import TABLE
from berth.engine.apply import _addressed, _manifest, child_key
from berth.engine.key import Key, key_of
from berth.engine.store import Record
from berth.plan.outcome import Child, Plan
from berth.plan.world import World
from berth.resources import CAPACITY_PROVIDER, DEPLOYMENT, SERVICE, TASK_DEFINITION_REVISION, Resource
from support.golden import Objects

_APPLIED = "fieldManager=floor&force=true"


async def prepare(client: Client) -> list[list[Write]]:
    """The requests for each Service that there is, in the operator's order."""
    providers = [_typed(one, CAPACITY_PROVIDER) for one in await client.items(CAPACITY_PROVIDER.path())]
    around: dict[str, list[Json]] = defaultdict(lambda: list(providers))
    for one in await client.items(TASK_DEFINITION_REVISION.path()):
        around[one["metadata"]["namespace"]].append(_typed(one, TASK_DEFINITION_REVISION))
    found = [_typed(one, SERVICE) for one in await client.items(SERVICE.path())]
    return [_requests(one, around[one["metadata"]["namespace"]]) for one in found]


async def as_it_is(client: Client) -> list[list[Write]]:
    """The two Deployments and the status of each Service as they are now, to be written over what comes after."""
    deployments: dict[str, list[Json]] = defaultdict(list)
    for one in await client.items(DEPLOYMENT.path()):
        deployments[one["metadata"]["ownerReferences"][0]["uid"]].append(_typed(one, DEPLOYMENT))
    found: list[list[Write]] = []
    for subject in await client.items(SERVICE.path()):
        place, name, uid = (subject["metadata"][key] for key in ("namespace", "name", "uid"))
        applied = [
            Write(
                "PATCH",
                f"{DEPLOYMENT.path(place, one['metadata']['name'])}?{_APPLIED}",
                orjson.dumps(_plain(one)),
                APPLY,
            )
            for one in deployments[uid]
        ]
        status = {"status": subject["status"]}
        found.append([*applied, merge(f"{SERVICE.path(place, name)}/status?fieldManager=floor", status)])
    return found


def _plain(body: Json) -> Json:
    """Without what only the server writes."""
    kept = ("name", "namespace", "labels", "annotations", "ownerReferences")
    metadata = {key: value for key, value in body["metadata"].items() if key in kept}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata, "spec": body["spec"]}


async def run(client: Client, work: list[list[Write]]) -> None:
    async def send_all(writes: list[Write]) -> None:
        for write in writes:
            await client.send(write)

    await side_by_side(work, send_all)


def _requests(subject: Json, around: list[Json]) -> list[Write]:
    record = _record(subject)
    planned = _plan(subject, Objects(around))
    made = [_made(record, child) for child in planned.children or ()]
    applied = [Write("PATCH", f"{key.path}?{_APPLIED}", orjson.dumps(body), APPLY) for key, body in made]
    # The status of a Service whose children are there, but run nothing yet.
    live = [_typed(body | {"metadata": body["metadata"] | {"generation": 1}}, key.resource) for key, body in made]
    status = _plan(subject, Objects([*around, *live])).status
    return [*applied, merge(f"{record.key.path}/status?fieldManager=floor", {"status": status})]


def _plan(subject: Json, objects: Objects) -> Plan:
    row = TABLE.controller(SERVICE)
    assert row is not None
    uid = subject["metadata"]["uid"]
    kept = TABLE.watch(SERVICE).keep(subject)
    return row.plan(World(kept, objects, datetime.now(UTC), owned=objects.owned(uid)))


def _made(subject: Record, child: Child) -> tuple[Key, Json]:
    key = child_key(subject, child)
    return key, _addressed(key, _manifest(subject, child), {})


def _record(subject: Json) -> Record:
    uid = subject["metadata"]["uid"]
    return Record(key_of(SERVICE, subject), uid, 0, owner="", deleting=False, fingerprint=b"", groups=(), kept=b"{}")


def _typed(body: Json, resource: Resource) -> Json:
    """Items of a list do not say what they are."""
    return {"apiVersion": resource.api_version, "kind": resource.kind, **body}
