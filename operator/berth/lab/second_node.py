"""A second real node: its own network, mounts and control groups inside the lab, joined to the first by a link.

As a program of the lab it holds these namespaces open; its containerd, kubelet and kube-proxy run inside them. They
find the same paths there as those of the first node, in private file systems of their own.
"""

import json
import os
import signal
import sys
from pathlib import Path

import yaml

from berth.lab.cgroups import add_group
from berth.lab.commands import NODE_ADDRESS, POD_RANGES, SECOND_ADDRESS, holder
from berth.lab.node import PRIVATE, call, cni, furnish, kubelet_settings
from berth.lab.state import LabState, load

LINK = "second"
"""The first node's end of the link; the other is eth0."""
_GROUP = "second"


def prepare(state: LabState) -> None:
    """Furnish the fresh namespaces of this process."""
    furnish()
    _connect()
    add_group(_GROUP)
    (PRIVATE / "cni" / "10-berth.conflist").write_text(json.dumps(cni(POD_RANGES[1])))
    settings = kubelet_settings(SECOND_ADDRESS) | {"cgroupRoot": f"/{_GROUP}"}
    (state.folder / "node" / "kubelet-1.yaml").write_text(yaml.safe_dump(settings))


def _connect() -> None:
    # The supervisor is the first process, and in the network of the first node.
    first = ("nsenter", "--target", "1", "--net")
    peer = ("peer", "name", "eth0", "netns", str(os.getpid()))
    call(*first, "ip", "link", "add", LINK, "type", "veth", *peer)
    call(*first, "ip", "link", "set", LINK, "master", "node", "up")
    call(*first, "ip", "route", "add", POD_RANGES[1], "via", SECOND_ADDRESS)
    call("ip", "link", "set", "lo", "up")
    call("ip", "address", "add", f"{SECOND_ADDRESS}/24", "dev", "eth0")
    call("ip", "link", "set", "eth0", "up")
    call("ip", "route", "add", "default", "via", NODE_ADDRESS)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def main(name: str) -> None:
    """Hold the namespaces until the lab ends."""
    state = load(name)
    if state is None:
        sys.exit(f"no lab {name}")
    prepare(state)
    path = holder(state)
    fresh = path.with_suffix(".fresh")
    fresh.write_text(str(os.getpid()))
    fresh.replace(path)
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
