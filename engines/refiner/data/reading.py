"""Reading annotation files so that an error names the file and the field."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.data.records import Person
from steadypose.errors import InputError


def read_json(path: Path) -> dict[str, Any]:
    """The object that a JSON file holds. Raises InputError if there is none."""
    content = parse_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected an object with 'images' and 'annotations'")
    return content


def read_records(path: Path) -> list[dict[str, Any]]:
    """The list of objects that a JSON file holds. Raises InputError if there is none."""
    content = parse_json(path)
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise InputError(f"{path}: expected a list of objects, one for each person")
    return content


def parse_json(path: Path) -> Any:
    """What a JSON file holds. Raises InputError if it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error


def records_of(content: dict[str, Any], field: str, path: Path) -> list[dict[str, Any]]:
    """The list of objects under ``field``. Raises InputError if it is none."""
    rows = content.get(field)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: '{field}': expected a list of objects")
    return rows


def value_of(record: dict[str, Any], field: str, where: str) -> Any:
    """The value of a field that must be there. Raises InputError otherwise."""
    if field not in record:
        raise InputError(f"{where}: '{field}' is missing")
    return record[field]


def numbers_of(record: dict[str, Any], field: str, count: int, where: str) -> NDArray[np.float32]:
    """A field's ``count`` finite numbers ``(count,)``. Raises InputError otherwise."""
    value = value_of(record, field, where)
    try:
        numbers = np.asarray(value, np.float32).reshape(-1)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: '{field}': expected {count} numbers") from error
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise InputError(f"{where}: '{field}': expected {count} finite numbers")
    return numbers


def labelled_images(
    path: Path, root: Path, person: Callable[[dict[str, Any], str], Person]
) -> Iterator[tuple[dict[str, Any], Path, tuple[Person, ...]]]:
    """The images of an annotation file that have somebody with a labelled joint.

    Args:
        path: JSON with ``images`` and ``annotations`` in the form of COCO.
        root: Folder that the images' ``file_name`` start from.
        person: Makes a person of an annotation and of what to call it in errors.

    Yields:
        The image's record, its picture, and all people annotated in it.

    Raises:
        InputError: The file or a field of it cannot be used, or a picture is missing.
    """
    content = read_json(path)
    people: dict[Any, list[Person]] = defaultdict(list)
    for record in records_of(content, "annotations", path):
        where = f"{path}: annotation {record.get('id', '?')}"
        people[value_of(record, "image_id", where)].append(person(record, where))
    for record in records_of(content, "images", path):
        where = f"{path}: image {record.get('id', '?')}"
        there = people.get(value_of(record, "id", where), [])
        if any(each.labelled.any() for each in there):
            name = value_of(record, "file_name", where)
            yield record, existing_picture(root, name, where), tuple(there)


def existing_picture(root: Path, name: Any, where: str) -> Path:
    """Path of a picture below ``root``. Raises InputError if it is not there."""
    path = root / str(name)
    if not path.is_file():
        raise InputError(f"{where}: 'file_name': no picture {path}")
    return path
