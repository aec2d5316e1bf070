#!/usr/bin/env bash
# Makes the environments of the trackers that `steadypose bench trackers --peers DIR` compares with.
# Usage: make_peers.sh DIR [PYTHON]   (PYTHON: 3.10 or 3.11, which norfair's numpy has wheels for)
#
# They are run as programs and never imported by Steadypose; each needs another numpy.
set -euo pipefail

if [ $# -lt 1 ]; then
    echo "usage: make_peers.sh DIR [PYTHON]" >&2
    exit 2
fi
dir=$1
here=$(cd "$(dirname "$0")" && pwd)

make_one() { # NAME REQUIREMENT
    bash "$here/../../scripts/make_venv.sh" "$dir/$1" "${3:-}"
    "$dir/$1/bin/python" -m pip install --quiet --disable-pip-version-check "$2"
    echo "$dir/$1: $2"
}

mkdir -p "$dir"
make_one trackers "trackers==2.6.1" "${2:-}" # Apache-2.0
make_one norfair "norfair==2.3.0" "${2:-}"   # BSD-3-Clause
