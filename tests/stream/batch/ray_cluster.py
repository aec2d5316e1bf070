"""A batch on a Ray cluster of two nodes on this machine, one of whose workers is killed midway.

A program of its own, as Ray warns of much and starts threads and processes that no test should
have to end: ``python -m tests.stream.batch.ray_cluster LONG OUT ARGUMENT...`` runs ``steadypose
batch ARGUMENT... -o OUT --ray ADDRESS`` and kills the worker that has the results of LONG open.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_raylet_start_wait_time_s"] = "120"  # noqa: SIM112 - Ray spells it so
os.environ["RAY_agent_register_timeout_ms"] = "120000"  # noqa: SIM112
os.environ["RAY_DISABLE_DOCKER_CPU_WARNING"] = "1"

import ray
from ray.cluster_utils import Cluster

from steadypose.stream.cli.main import main

_STORE_BYTES = 80 * 2**20


def start_cluster() -> Cluster:
    """Two nodes with one core each, so that two workers are on two nodes."""
    cluster = Cluster(initialize_head=True, head_node_args=_node(include_dashboard=False))
    cluster.add_node(**_node())
    return cluster


def _node(**options: object) -> dict[str, object]:
    # A node that is told its agents' ports does not wait for the agents, which a slow machine
    # may take longer to start than Ray has patience for.
    agents = ("metrics_agent", "metrics_export", "dashboard_agent_listen", "runtime_env_agent")
    ports = [f"{agent}_port" for agent in agents]
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in ports]
    numbers = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    fixed = dict(zip(ports, numbers, strict=True))
    return {"num_cpus": 1, "object_store_memory": _STORE_BYTES, **fixed, **options}


def who_writes(path: Path) -> list[int]:
    """Processes that have a file open."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if entry.readlink() == path:
                found.append(int(entry.parts[2]))
    return found


def kill_writer(path: Path, killed: list[int], over: threading.Event) -> None:
    """Kill the worker that writes ``path``, once it has begun."""
    while not killed and not over.wait(0.02):
        with contextlib.suppress(OSError):
            if path.stat().st_size:
                killed += who_writes(path)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)


def run(stem: str, out: str, arguments: list[str]) -> dict[str, object]:
    cluster = start_cluster()
    killed: list[int] = []
    over = threading.Event()
    part = Path(out) / f"{stem}.jsonl.part"
    killer = threading.Thread(target=kill_writer, args=(part, killed, over))
    killer.start()
    try:
        nodes = {}
        command = ["batch", *arguments, "-o", out, "--ray", cluster.address, "--jobs", "2"]
        code = main(command)
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        nodes = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
        ray.shutdown()
    finally:
        over.set()
        killer.join()
        cluster.shutdown()
    return {"code": code, "nodes": len(nodes), "killed": len(killed)}


if __name__ == "__main__":
    told = run(sys.argv[1], sys.argv[2], sys.argv[3:])
    print(json.dumps(told), flush=True)
