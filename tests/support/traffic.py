"""Constant traffic on an address, from inside the network of a lab with real nodes."""

import threading

from support.cluster import Cluster
from support.waiting import eventually

# Connections one after another for as long as the file is there, many a second; each answer's code is a line.
TRAFFIC = """
while [ -e {file} ]; do
  curl -s -H 'Connection: close' --max-time 5 -o /dev/null -w '%{{http_code}}\\n' 'http://{address}/healthz?[1-{batch}]'
done
"""


class Traffic:
    """Requests to an address, from inside the cluster, until they are stopped."""

    def __init__(self, cluster: Cluster, address: str, file: str, batch: int = 50) -> None:
        assert cluster.lab is not None
        self._lab, self._file, self.said = cluster.lab, file, ""
        ask = ["curl", "-sf", "--max-time", "5", f"http://{address}/healthz"]
        eventually(lambda: self._lab.inside(ask, check=False).returncode == 0, what=f"{address} answers")
        self._lab.inside(["touch", file])
        script = TRAFFIC.format(file=file, address=address, batch=batch)
        self._thread = threading.Thread(target=self._send, args=(script,))
        self._thread.start()

    def stop(self) -> list[str]:
        self._lab.inside(["rm", "-f", self._file])
        self._thread.join(60)
        return self.said.split("\n")

    def _send(self, script: str) -> None:
        # A request that fails is a line, too, and no fault of the script.
        self.said = self._lab.inside(["bash", "-c", script], check=False).stdout.strip()
