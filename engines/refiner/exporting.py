"""How a refiner's ONNX file and its record are written, whatever the precision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import onnx

from steadypose._version import __version__
from steadypose.engines import zoo
from steadypose.errors import OutputError


def write_refiner(graph: onnx.ModelProto, path: Path, record: Mapping[str, object]) -> Path:
    """Write a network as a refiner's ONNX file, and its record as JSON beside it.

    Args:
        graph: The network; the record is added to it.
        path: The ONNX file; the record gets the same name with ``.json``.
        record: What to keep beside kind, skeleton and version; also stored in the file's own
            metadata, under ``steadypose``. Beside the file it holds the file's SHA-256 too.

    Returns:
        The record's path.

    Raises:
        OutputError: A file cannot be written.
    """
    whole = {"kind": "refiner", "skeleton": "coco19", "steadypose": __version__, **record}
    graph.producer_name, graph.producer_version = "steadypose", __version__
    graph.metadata_props.add(key="steadypose", value=json.dumps(whole, sort_keys=True))
    part, beside = path.with_name(path.name + ".part"), path.with_suffix(".json")
    try:
        onnx.save(graph, part)
        told = {**whole, "sha256": zoo.file_sha256(part)}
        part.replace(path)
        part.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        part.replace(beside)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return beside
