"""Records what TensorRT's versions name and number differently, for tests without a GPU.

    python scripts/record_tensorrt_enums.py [--python310 PYTHON] [version ...]

For each version it fetches the wheel with the Python bindings (1 MB each; that of 8.6.0, 819 MB,
holds everything, and needs a CPython 3.10), puts libraries of the right names with the imported
functions, all of which return nothing, beside the extension module, imports that in a process of
its own, and writes names and numbers of the enumerations and which of the attributes used here
there are to tests/engines/tensorrt/enums.json. Versions that are not named keep their entries.

Needs pip, gcc and readelf. Nothing of the wheels is kept.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "tests" / "engines" / "tensorrt" / "enums.json"

ENUMS = (
    *("BuilderFlag", "ComputeCapability", "CudaGraphStrategy", "DataType"),
    *("EngineInvalidityDiagnostics", "EngineValidity", "ExecutionContextAllocationStrategy"),
    *("HardwareCompatibilityLevel", "LayerInformationFormat", "LayerType", "MemoryPoolType"),
    *("NetworkDefinitionCreationFlag", "PreviewFeature", "ProfilingVerbosity", "TacticSource"),
    *("TensorIOMode", "TensorLocation"),
)
USED = {
    "": (
        *("Builder", "EngineInspector", "ICudaEngine", "IExecutionContext"),
        *("ILogger", "IProgressMonitor", "IRuntimeConfig", "OnnxParser", "Runtime"),
    ),
    "Builder": (
        *("build_engine", "build_serialized_network", "create_builder_config", "create_network"),
        *("create_optimization_profile", "platform_has_fast_fp16"),
    ),
    "IBuilderConfig": (
        *("add_optimization_profile", "builder_optimization_level", "clear_flag"),
        *("create_timing_cache", "get_timing_cache", "hardware_compatibility_level"),
        *("max_workspace_size", "num_compute_capabilities", "profiling_verbosity"),
        *("progress_monitor", "set_compute_capability", "set_flag", "set_memory_pool_limit"),
        *("set_preview_feature", "set_tactic_sources", "set_timing_cache"),
    ),
    "ICudaEngine": (
        *("create_engine_inspector", "create_execution_context", "create_runtime_config"),
        *("create_execution_context_without_device_memory", "device_memory_size"),
        *("device_memory_size_v2", "get_tensor_dtype", "get_tensor_location", "get_tensor_mode"),
        *("get_tensor_name", "get_tensor_profile_shape", "get_tensor_shape", "num_bindings"),
        "num_io_tensors",
    ),
    "IExecutionContext": (
        *("device_memory", "execute_async_v2", "execute_async_v3", "get_tensor_shape"),
        *("infer_shapes", "set_device_memory", "set_input_shape", "set_tensor_address"),
    ),
    "ILayer": ("get_output", "name", "num_outputs", "precision", "set_output_type", "type"),
    "INetworkDefinition": (
        *("get_input", "get_layer", "get_output", "num_inputs", "num_layers", "num_outputs"),
    ),
    "IRuntimeCache": ("deserialize", "serialize"),
    "IRuntimeConfig": (
        *("create_runtime_cache", "cuda_graph_strategy", "set_runtime_cache"),
        "set_execution_context_allocation_strategy",
    ),
    "ITensor": ("dtype", "name", "shape"),
    "OnnxParser": ("get_error", "num_errors", "parse"),
    "ParserError": ("code", "desc", "node", "node_name", "node_operator"),
    "Runtime": ("deserialize_cuda_engine", "engine_host_code_allowed", "get_engine_validity"),
}


@dataclass(frozen=True)
class Wheel:
    """A package with bindings; ``python`` is the version of Python that they were built for."""

    package: str
    version: str
    module: str = "tensorrt"
    python: str = f"{sys.version_info[0]}.{sys.version_info[1]}"


WHEELS = (
    Wheel("tensorrt", "8.6.0", python="3.10"),
    Wheel("tensorrt-bindings", "8.6.1"),
    Wheel("tensorrt-cu12-bindings", "10.0.1"),
    Wheel("tensorrt-cu12-bindings", "10.16.1.11"),
    Wheel("tensorrt-cu12-bindings", "11.0.0.114"),
    Wheel("tensorrt-cu12-bindings", "11.4.0.106"),
    Wheel("tensorrt-rtx-cu13-bindings", "1.7.1.116", "tensorrt_rtx"),
)

_PROBE = """
import importlib.machinery, importlib.util, json, sys
name, path, wanted = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
loader = importlib.machinery.ExtensionFileLoader(name, path)
module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
loader.exec_module(module)
enums = {
    enum: {key: int(value) for key, value in getattr(module, enum).__members__.items()}
    for enum in wanted["enums"]
    if hasattr(module, enum)
}
has = {}
for owner, names in wanted["used"].items():
    thing = getattr(module, owner, None) if owner else module
    has[owner or "module"] = [n for n in names if thing is not None and hasattr(thing, n)]
print(json.dumps({"enums": enums, "has": has}))
"""


def main() -> None:
    """Record the versions that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", help="of " + ", ".join(w.version for w in WHEELS))
    parser.add_argument("--python310", default="python3.10", help="a CPython 3.10, for 8.6.0")
    arguments = parser.parse_args()
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    for wheel in WHEELS:
        if arguments.versions and wheel.version not in arguments.versions:
            continue
        python = arguments.python310 if wheel.python == "3.10" else sys.executable
        with tempfile.TemporaryDirectory() as folder:
            record[f"{wheel.module} {wheel.version}"] = probe(wheel, Path(folder), python)
        print(f"{wheel.module} {wheel.version}")
    part = RECORD.with_name(RECORD.name + ".part")
    part.write_text(layout(record), encoding="utf-8")
    part.replace(RECORD)


def layout(record: dict[str, dict[str, object]]) -> str:
    """The record as JSON with a line for each enumeration, so that changes can be read."""
    order = [f"{wheel.module} {wheel.version}" for wheel in WHEELS]
    whole = []
    for key in sorted(record, key=order.index):
        parts = []
        for part, value in sorted(record[key].items()):
            if isinstance(value, dict):
                lines = (f"   {json.dumps(k)}: {_sorted(v)}" for k, v in sorted(value.items()))
                parts.append(f"  {json.dumps(part)}: {{\n" + ",\n".join(lines) + "\n  }")
            else:
                parts.append(f"  {json.dumps(part)}: {json.dumps(value)}")
        whole.append(f" {json.dumps(key)}: {{\n" + ",\n".join(parts) + "\n }")
    return "{\n" + ",\n".join(whole) + "\n}\n"


def _sorted(value: dict[str, int] | list[str]) -> str:
    return json.dumps(sorted(value) if isinstance(value, list) else value, sort_keys=True)


def probe(wheel: Wheel, folder: Path, python: str) -> dict[str, object]:
    """Enumerations and attributes of one version's bindings."""
    extension = fetch(wheel, folder)
    stand_in(extension)
    wanted = json.dumps({"enums": ENUMS, "used": USED})
    command = [python, "-c", _PROBE, wheel.module, str(extension), wanted]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, env={"LD_LIBRARY_PATH": str(extension.parent)}
    )
    found = json.loads(done.stdout)
    return {"module": wheel.module, "version": wheel.version, **found}


def fetch(wheel: Wheel, folder: Path) -> Path:
    """Bring a wheel and unpack its extension module alone."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    target = ["--only-binary=:all:", "--implementation", "cp", "--abi", "none"]
    target += ["--python-version", wheel.python]
    for platform in ("manylinux_2_17_x86_64", "manylinux_2_28_x86_64"):
        target += ["--platform", platform]
    subprocess.run([*pip, *target, f"{wheel.package}=={wheel.version}"], check=True)
    (archive,) = folder.glob("*.whl")
    with zipfile.ZipFile(archive) as packed:
        (member,) = (n for n in packed.namelist() if n.endswith(f"/{wheel.module}.so"))
        unpacked = Path(packed.extract(member, folder / "unpacked"))
    archive.unlink()
    return unpacked


def stand_in(extension: Path) -> None:
    """Write libraries with the names that the extension asks for, beside it."""
    told = subprocess.run(
        ["readelf", "--dynamic", "--dyn-syms", "--wide", str(extension)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    needed = re.findall(r"\(NEEDED\).*\[(lib(?:nv|tensorrt)[^\]]+)\]", told)
    # Symbols of the system's libraries carry a version, Python's its prefix.
    missing = re.findall(r" GLOBAL DEFAULT +UND (?!_?Py)(\w+)$", told, re.MULTILINE)
    source = extension.with_name("nothing.c")
    lines = [f"void *{name}(void) {{ return 0; }}" for name in sorted(set(missing))]
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for library in needed:
        output = extension.with_name(library)
        command = ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{library}", "-o", output, source]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
