"""A real Kubernetes cluster on one machine: built from Go modules, several side by side, each gone without a trace."""

from berth.lab.build import build, tool
from berth.lab.errors import LabError
from berth.lab.lab import Lab
from berth.lab.machine import real_nodes_unavailable
from berth.lab.modules import KARPENTER
from berth.lab.state import LabOptions, LabState

__all__ = ["KARPENTER", "Lab", "LabError", "LabOptions", "LabState", "build", "real_nodes_unavailable", "tool"]
