"""Converters that turn a package's model files into ONNX, with numpy and onnx alone.

Pre- and post-processing are part of the written graphs; the modules say what goes in and out. The
same members give the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from steadypose.engines.zoo.convert.movenet import convert_movenet
from steadypose.engines.zoo.convert.picodet import convert_picodet
from steadypose.engines.zoo.records import Entry
from steadypose.errors import ModelError

__all__ = ["convert", "convert_movenet", "convert_picodet"]


def convert(entry: Entry, members: Mapping[str, Path]) -> bytes:
    """The ONNX file of an entry, made from its members' files by role.

    Raises:
        ModelError: A member is not what its name promises.
    """
    try:
        return _convert(entry, members)
    except (KeyError, IndexError, ValueError) as error:
        raise ModelError(
            f"{entry.name}: the {entry.converter} converter does not know this model "
            f"({type(error).__name__}: {error})"
        ) from error


def _convert(entry: Entry, members: Mapping[str, Path]) -> bytes:
    if entry.converter == "movenet":
        return convert_movenet(members)
    if entry.converter == "picodet" and entry.input_size is not None:
        height, width = entry.input_size
        return convert_picodet(members, height=height, width=width)
    raise ModelError(f"{entry.name}: no converter '{entry.converter}' for this entry")
