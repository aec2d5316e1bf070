#!/usr/bin/env bash
# Makes the virtual environment DIR unless a usable one is there.
# Usage: make_venv.sh DIR [PYTHON]   (PYTHON: the interpreter to use; else the newest found)
set -euo pipefail

dir=$1
wanted=${2:-}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }
can_make_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }
fail() {
    echo "steadypose: $1" >&2
    exit 1
}

if [ -e "$dir" ]; then
    is_new_enough "$dir/bin/python" || fail "$dir has no Python 3.10 or newer that runs: remove $dir and try again"
    "$dir/bin/python" -m pip --version >/dev/null 2>&1 || fail "$dir has no pip: remove $dir and try again"
    exit 0
fi

if [ -n "$wanted" ]; then
    candidates=("$wanted")
else
    candidates=(python3.13 python3.12 python3.11 python3.10 python3)
fi

without_venv=
for candidate in "${candidates[@]}"; do
    is_new_enough "$candidate" || continue
    if can_make_venv "$candidate"; then
        "$candidate" -m venv "$dir" || { rm -rf "$dir"; fail "$candidate could not make $dir"; }
        echo "made $dir with $("$dir/bin/python" --version)"
        exit 0
    fi
    without_venv=${without_venv:-$candidate}
done

if [ -n "$without_venv" ]; then
    version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fail "$without_venv cannot make a virtual environment: run 'apt-get install -y python$version-venv'"
fi
[ -z "$wanted" ] || fail "PYTHON=$wanted is not a Python 3.10 or newer"
fail "no Python 3.10 or newer found: run 'apt-get install -y python3 python3-venv', or name one with PYTHON="
