"""What nginx is told: locations from HTTPRoutes, upstreams from EndpointSlices; weights and headers included."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Ports = dict[tuple[str, int], str]
"""Names of a Service's ports by their numbers."""
NOBODY = "nobody"
_HEAD = """
user root; daemon off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 512; }}
http {{
access_log off; proxy_next_upstream off; proxy_connect_timeout 2s; proxy_read_timeout 10s;
server_names_hash_bucket_size 128; variables_hash_bucket_size 128; map_hash_bucket_size 128;
client_body_temp_path {home}/a; proxy_temp_path {home}/b; fastcgi_temp_path {home}/c; uwsgi_temp_path {home}/d;
scgi_temp_path {home}/e;
server {{ listen {port} default_server; return 404; }}
upstream nobody {{ server 127.0.0.1:1; }}
"""


def config(home: Path, port: int, parts: Iterable[str]) -> str:
    """The whole file."""
    return _HEAD.format(home=home, port=port) + "\n".join(parts) + "\n}\n"


class Routing:
    """Routes of one namespace, and the tasks that are ready behind each Service."""

    def __init__(self, routes: list[Json], slices: list[Json], ports: Ports) -> None:
        self._routes = routes
        self._ready = {key: _targets(slices, key[0], name) for key, name in ports.items()}
        self._choices: list[str] = []

    def parts(self, port: int) -> Iterator[str]:
        """In an order that nginx can read."""
        for (service, number), found in self._ready.items():
            if found:
                servers = " ".join(f"server {one} max_fails=0;" for one in found)
                yield f"upstream {service}-{number} {{ {servers} }}"
        servers = list(self._servers(port))
        yield from self._choices
        yield from servers

    def _servers(self, port: int) -> Iterator[str]:
        """One server for each host, with the locations of all routes that name it."""
        hosts: defaultdict[str, defaultdict[str, list[tuple[Json, Json]]]] = defaultdict(lambda: defaultdict(list))
        for route in self._routes:
            for host in route["spec"].get("hostnames") or ("_",):
                for rule in route["spec"]["rules"]:
                    for match in rule["matches"]:
                        for location in _locations(match["path"]):
                            hosts[host][location].append((match, rule))
        for host, locations in hosts.items():
            name = f"server_name {host};" if host != "_" else "server_name ~.;"
            found = [f"location {where} {{ {self._answer(rules)} }}" for where, rules in locations.items()]
            yield f"server {{ listen {port}; {name}\n" + "\n".join(found) + "\n}"

    def _answer(self, rules: list[tuple[Json, Json]]) -> str:
        """Of rules for one path those that name a header go first."""
        plain = next(rule for match, rule in rules if not match.get("headers"))
        if "filters" in plain:
            return _redirect(plain["filters"][0]["requestRedirect"])
        to = self._divided(plain["backendRefs"])
        for match, rule in rules:
            for header in match.get("headers", ()):
                asked = f"$http_{header['name'].lower().replace('-', '_')}"
                cases = f'"{header["value"]}" {self._divided(rule["backendRefs"])}; default {to};'
                to = self._choice(f"map {asked}", cases)
        return f"proxy_pass http://{to};"

    def _divided(self, backends: list[Json]) -> str:
        """A part of the requests to each, by weight."""
        weights = [(self._upstream(one), one.get("weight", 1)) for one in backends]
        chosen = [(name, weight) for name, weight in weights if weight]
        if len(chosen) < 2:  # nothing to divide
            return chosen[0][0] if chosen else NOBODY
        (first, share), (second, rest) = chosen
        percent = f"{100 * share / (share + rest):.2f}"
        return self._choice('split_clients "$request_id"', f"{percent}% {first}; * {second};")

    def _choice(self, by: str, cases: str) -> str:
        name = f"$to_{len(self._choices)}"
        self._choices.append(f"{by} {name} {{ {cases} }}")
        return name

    def _upstream(self, backend: Json) -> str:
        service, port = backend["name"], backend["port"]
        return f"{service}-{port}" if self._ready.get((service, port)) else NOBODY


def _locations(path: Json) -> Iterator[str]:
    value = path["value"]
    if path["type"] == "Exact" or value != "/":
        yield f"= {value}"
    if path["type"] == "PathPrefix":
        yield f"{value.rstrip('/')}/"


def _redirect(there: Json) -> str:
    path = there["path"]["replaceFullPath"] if "path" in there else "$request_uri"
    return f"return {there['statusCode']} {there.get('scheme', '$scheme')}://{there.get('hostname', '$host')}{path};"


def _targets(slices: list[Json], service: str, port: str) -> list[str]:
    """Addresses of the ready tasks behind a Service's port."""
    return sorted(
        f"{endpoint['addresses'][0]}:{opened['port']}"
        for one in slices
        if one["metadata"]["labels"]["kubernetes.io/service-name"] == service
        for opened in one.get("ports") or ()
        if opened.get("name", "") == port
        for endpoint in one.get("endpoints") or ()
        if endpoint["conditions"].get("ready")
    )
