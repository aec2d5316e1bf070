"""Puts MediaPipe's pose networks into a bundle that its newer interface (Tasks) takes.

``python bundling.py OUT.task``, in an environment with mediapipe 0.10.21, the last whose wheel
brings the networks. Tasks asks for bundles from a hub; they hold the same two networks with the
range of their input beside them, which here is written from how the first interface feeds them: -1
to 1 for the detector, 0 to 1 for the landmarks.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

_NETWORKS = {
    "pose_detector.tflite": ("pose_detection/pose_detection.tflite", 127.5, 127.5),
    "pose_landmarks_detector.tflite": ("pose_landmark/pose_landmark_full.tflite", 0.0, 255.0),
}


def main() -> int:
    """Write the bundle."""
    import mediapipe
    from mediapipe.tasks.python.metadata.metadata_writers.metadata_writer import MetadataWriter

    modules = Path(mediapipe.__file__).parent / "modules"
    with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_STORED) as bundle:
        for name, (path, mean, spread) in _NETWORKS.items():
            writer = MetadataWriter.create((modules / path).read_bytes())
            writer.add_general_info(name)
            writer.add_image_input([mean] * 3, [spread] * 3)
            bundle.writestr(name, bytes(writer.populate()[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
