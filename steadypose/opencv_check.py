"""What to do when OpenCV is installed but cannot be imported."""

from __future__ import annotations

import re
import sys

_APT_REMEDY = "apt-get install -y libgl1 libglib2.0-0"
_HEADLESS_REMEDY = "pip uninstall -y opencv-python && pip install opencv-python-headless"
_LIBRARY = re.compile(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file")


def explain_opencv_import(error: ImportError) -> str:
    """Say in one line why ``import cv2`` failed and how to mend it.

    The wheels of ``opencv-python`` load ``libGL``, ``libglib-2.0`` and ``libxcb`` from the system
    as soon as they are imported; bare servers and slim containers have none of them.

    Args:
        error: What ``import cv2`` raised.

    Returns:
        One line without a line break, fit for standard error.
    """
    reason = " ".join(str(error).split())
    library = _LIBRARY.search(reason)
    if library:
        return (
            f"OpenCV needs the system library {library.group(1)}: run '{_APT_REMEDY}' "
            f"(Debian, Ubuntu), or '{_HEADLESS_REMEDY}'"
        )
    if isinstance(error, ModuleNotFoundError) and error.name == "cv2":
        return "OpenCV is not installed in this Python: run 'pip install opencv-python'"
    return f"OpenCV cannot be imported ({reason}): reinstall opencv-python"


def main() -> int:
    """Try ``import cv2``; returns 0, or 2 after one line on standard error."""
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        print(f"steadypose: {explain_opencv_import(error)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
