"""ECS's StopServiceDeployment: an annotation ends the deployment that is under way, once, and the status answers it."""

from dataclasses import dataclass

from berth import names
from berth.plan.outcome import Json
from berth.plan.world import World

ROLLBACK, ABORT = "rollback", "abort"
LONGEST = 64


@dataclass(frozen=True, slots=True)
class Stop:
    """What is asked for, if anything is."""

    request: str = ""
    answered: Json | None = None
    """The answer that was given already: it stands for as long as the annotation does."""

    @property
    def is_due(self) -> bool:
        return self.answered is None and self.request in {ROLLBACK, ABORT}

    def answer(self, deployment: str, *, under_way: bool, way_back: str = "") -> Json:
        """What the status shows: nothing without a request."""
        if not self.request:
            return {}
        if self.answered is not None:
            return {"stopDeployment": self.answered}
        said: Json = {"request": self.request}
        if self.request not in {ROLLBACK, ABORT}:
            said["message"] = "nothing was done: the annotation asks for rollback or abort"
        elif not under_way:
            said["message"] = "nothing was done: no deployment was under way"
        else:
            said["deployment"] = deployment
            said["message"] = _done(self.request, way_back)
        return {"stopDeployment": said}


def stop_asked(world: World) -> Stop:
    asked = world.subject["metadata"].get("annotations", {}).get(names.STOP_DEPLOYMENT, "")[:LONGEST]
    before = world.subject.get("status", {}).get("stopDeployment")
    return Stop(asked, before if before and before["request"] == asked else None)


def _done(request: str, way_back: str) -> str:
    if request == ABORT and not way_back:
        return "the deployment was stopped; the tasks that run stay"
    if not way_back:
        return "the deployment was stopped; there is no completed deployment to go back to"
    return f"the deployment was stopped; {way_back} runs again"
