"""The options of ``steadypose bench latency``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--transport", choices=("rtsp", "http", "mjpeg"), default="rtsp")
    parser.add_argument("--size", default="1280x720", help="pictures of the camera [%(default)s]")
    parser.add_argument("--fps", type=float, default=30.0, help="of the camera [%(default)s]")
    parser.add_argument("--seconds", type=float, default=60.0, help="to follow it [%(default)s]")
    parser.add_argument("--config", default="balanced", help="preset [%(default)s]")
    parser.add_argument(
        "--overload",
        action="store_true",
        help="preset accurate without its refiner, the detector on every frame",
    )
    parser.add_argument(
        "--outages", action="store_true", help="how soon lost and silent cameras are back, instead"
    )
    parser.add_argument("--clip", type=Path, help="what the camera shows [demo-clip if fetched]")
    parser.add_argument("--json", type=Path, help="append the record to this file, a line each")
