"""Runs checks one after the other, each in a process of its own with the stand-in for libcuda.

Reads lines of JSON: module, function, environment, and a file for what it prints; writes the exit
code of each. Everything is imported once; a check runs in a fork, which ends as a program does.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import sys
import traceback

# What checks need, so that no fork has to import it.
IMPORTS = (
    "numpy",
    "pycuda.driver",
    "steadypose.engines.tensorrt.engine",
    "steadypose.engines.tensorrt.pycuda_memory",
    "tests.engines.tensorrt.standin.making",
)


def main() -> int:
    for name in IMPORTS:
        importlib.import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            return carry_out(order)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return 0


def carry_out(order: dict[str, str]) -> int:
    os.environ.update(json.loads(order["environment"]))
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    faulthandler.enable()
    try:
        getattr(importlib.import_module(order["module"]), order["function"])()
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
