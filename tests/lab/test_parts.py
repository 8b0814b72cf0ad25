"""The lab's parts that need no cluster: ports, names, locks, images, the key of a build."""

import errno
import hashlib
import importlib
import io
import json
import os
import shutil
import socket
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from berth.lab import Lab, LabError, ports, state
from berth.lab.images import PAUSE, PROBE, write_archive
from berth.lab.launch import start_time
from berth.lab.modules import CLUSTER, KARPENTER
from berth.lab.paths import SOURCES

building = importlib.import_module("berth.lab.build")


def test_a_reserved_port_is_given_to_nobody_else() -> None:
    with ports.reserve() as reserved, socket.socket() as other:
        with pytest.raises(OSError, match="in use") as refusal:
            other.bind(("127.0.0.1", ports.number(reserved)))
        assert refusal.value.errno == errno.EADDRINUSE


def test_the_labs_own_program_can_listen_on_a_reserved_port_again_and_again() -> None:
    with ports.reserve() as reserved:
        for _ in range(2):
            with socket.socket() as own:
                own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                own.bind(("127.0.0.1", ports.number(reserved)))
                own.listen()
                with socket.create_connection(("127.0.0.1", ports.number(reserved)), timeout=5):
                    own.accept()[0].close()


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "-a", "a-", "x" * 41, ".."])
def test_a_name_that_would_be_no_good_folder_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="is no name for a lab"):
        state.folder(name)


@pytest.mark.parametrize("nodes", ["kwok", "kwok:", "kwok:x", "fake", ""])
def test_unknown_nodes_are_refused(nodes: str) -> None:
    with pytest.raises(LabError, match="nodes are none, real, real:2 or kwok:N"):
        Lab("x", nodes=nodes)


def test_a_name_is_locked_while_its_lock_is_held(name: str) -> None:
    assert not state.locked(name)
    lock = state.take_lock(name)
    assert state.locked(name)
    with pytest.raises(LabError, match=f"a lab named {name} runs already"):
        state.take_lock(name)
    os.close(lock)
    assert not state.locked(name)


def test_a_process_is_known_by_when_it_started() -> None:
    assert start_time(os.getpid()) == start_time(os.getpid()) > 0
    assert start_time(2**22 + 1) == 0


def test_one_that_does_not_run_is_refused_with_the_way_to_start_it(name: str) -> None:
    with pytest.raises(LabError, match=f"start it with: berth lab up --name {name}"):
        Lab.existing(name)


def test_an_image_archive_holds_what_its_digests_say(tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    probe.write_bytes(b"program")
    write_archive(tmp_path / "images.tar", probe)
    with tarfile.open(tmp_path / "images.tar") as archive:
        files = {member.name: _content(archive, member) for member in archive}
    manifest = json.loads(files["manifest.json"])
    assert [entry["RepoTags"] for entry in manifest] == [[PROBE], [PAUSE]]
    for entry in manifest:
        config = json.loads(files[entry["Config"]])
        layers = [hashlib.sha256(files[layer]).hexdigest() for layer in entry["Layers"]]
        assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}" for digest in layers]
        with tarfile.open(fileobj=io.BytesIO(files[entry["Layers"][0]])) as layer:
            assert _content(layer, layer.getmember("probe")) == b"program"


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    return stream.read() if stream else b""


def test_a_builds_key_follows_its_sources_and_its_toolchain(tmp_path: Path) -> None:
    copy = tmp_path / "lab"
    shutil.copytree(SOURCES, copy)
    cluster, karpenter = replace(CLUSTER, sources=copy), replace(KARPENTER, sources=copy / "karpenter")
    first, other = building.key(cluster, "go1.26.6"), building.key(karpenter, "go1.26.6")
    assert building.key(cluster, "go1.26.6") == first == building.key(CLUSTER, "go1.26.6")
    assert building.key(cluster, "go1.26.7") != first
    (copy / "cmd" / "probe" / "main.go").write_text("package main\n")
    assert building.key(cluster, "go1.26.6") != first
    first = building.key(cluster, "go1.26.6")
    (copy / "karpenter" / "main.go").write_text("package main\n")
    assert building.key(karpenter, "go1.26.6") != other
    assert building.key(cluster, "go1.26.6") == first, "a change of Karpenter's part builds no cluster anew"


def test_a_build_counts_only_when_each_program_is_whole(tmp_path: Path) -> None:
    home = tmp_path / "key"
    home.mkdir()
    for program in CLUSTER.programs:
        (home / program).write_bytes(b"x" * 10)
    assert not building.complete(CLUSTER, home)
    building.write_stamp(CLUSTER, home, "key")
    assert building.complete(CLUSTER, home)
    (home / "cluster").write_bytes(b"x")
    assert not building.complete(CLUSTER, home)
    shutil.move(home, tmp_path / "other")
    assert not building.complete(CLUSTER, tmp_path / "other")
