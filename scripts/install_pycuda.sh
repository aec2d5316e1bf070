#!/usr/bin/env bash
# Installs pycuda for the interpreter PYTHON, or only builds its wheel into a folder.
#
# Usage: install_pycuda.sh PYTHON [WHEEL_FOLDER]
#
# The package index holds pycuda as source alone, and its build wants CUDA's headers and a
# libcuda.so. This one needs no GPU, driver or CUDA toolkit: the headers are those beside nvcc or in
# CUDA_HOME where there are any, else the package index's own, and what is linked against is made
# from their names. Needs gcc, g++ and Python's headers; the build takes about a minute and a half,
# and its wheel is kept in the user's cache.
set -euo pipefail

version=2026.1
source_sha256=759516160628ba06f32ce7e563e3f5b9214691dc9528a03ea99ea1073f4e14ba
# CUDA 12: what is built against its headers also runs on every later driver.
header_wheels=(
    'nvidia-cuda-runtime-cu12==12.9.79'
    'nvidia-cuda-profiler-api-cu12==12.9.79'
)

fail() {
    echo "steadypose: $1" >&2
    exit 1
}
[ $# -ge 1 ] || fail "usage: install_pycuda.sh PYTHON [WHEEL_FOLDER]"
python=$1
folder=${2:-}
"$python" -m pip --version >/dev/null 2>&1 || fail "$python cannot be run or has no pip"

is_installed() {
    "$python" -c "import importlib.metadata as m; raise SystemExit(m.version('pycuda') != '$version')" \
        2>/dev/null
}
if [ -z "$folder" ] && is_installed; then
    exit 0
fi

# The folder of a toolkit's headers, if there is one: nvcc itself says where it lies.
headers_at_hand() {
    local root top
    top=$(nvcc --dryrun -x cu /dev/null 2>&1 | sed -n 's/^#\$ TOP=//p') || top=
    for root in "${CUDA_HOME:-}" "$top" /usr/local/cuda; do
        if [ -n "$root" ] && [ -f "$root/include/cuda.h" ] && [ -f "$root/include/cudaProfiler.h" ]; then
            echo "$root/include"
            return
        fi
    done
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fetched_headers() {
    "$python" -m pip download --quiet --no-deps --only-binary=:all: -d "$work/headers" \
        "${header_wheels[@]}" >&2
    local wheel
    for wheel in "$work"/headers/*.whl; do
        "$python" -m zipfile -e "$wheel" "$work/headers"
    done
    mkdir "$work/include"
    cp -r "$work"/headers/nvidia/*/include/. "$work/include/"
    echo "$work/include"
}

tag=$("$python" -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
cache="${XDG_CACHE_HOME:-$HOME/.cache}/steadypose-wheels"
kept() { find "$cache" -maxdepth 1 -name "pycuda-$version-$tag-*.whl" 2>/dev/null | head -n 1; }

build() {
    command -v g++ >/dev/null || fail "pycuda needs a compiler: run 'apt-get install -y gcc g++'"
    "$python" -c 'import os, sysconfig as s; open(os.path.join(s.get_path("include"), "Python.h"))' \
        2>/dev/null || fail "pycuda needs Python's headers: run 'apt-get install -y python3-dev'"
    local include
    include=$(headers_at_hand)
    [ -n "$include" ] || include=$(fetched_headers)

    # The linker only asks whether the functions are there, and under which name to load them.
    mkdir "$work/lib"
    cat "$include/cuda.h" "$include/cudaProfiler.h" | grep -oE '\bcu[A-Z][A-Za-z0-9_]*' | sort -u |
        sed 's/.*/int &(void) { return 3; }/' >"$work/lib/cuda.c"
    gcc -w -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$work/lib/libcuda.so" "$work/lib/cuda.c"

    echo "pycuda==$version --hash=sha256:$source_sha256" >"$work/requirements"
    "$python" -m pip download --quiet --no-deps --no-binary pycuda --require-hashes \
        -r "$work/requirements" -d "$work"
    "$python" -m tarfile -e "$work/pycuda-$version.tar.gz" "$work" >/dev/null
    # What its own configure.py would write.
    cat >"$work/pycuda-$version/siteconf.py" <<EOF
CUDA_INC_DIR = [r"$include"]
CUDADRV_LIB_DIR = [r"$work/lib"]
CUDA_ENABLE_CURAND = False
EOF
    echo "building pycuda $version against $include" >&2
    "$python" -m pip wheel --quiet --no-deps -w "$work/wheels" "$work/pycuda-$version" \
        >"$work/log" 2>&1 || {
        tail -n 40 "$work/log" >&2
        fail "pycuda $version could not be built; the end of its log is above"
    }
    # Two that build at once leave one whole wheel.
    mkdir -p "$cache"
    local wheel
    wheel=$(find "$work/wheels" -name '*.whl')
    cp "$wheel" "$cache/.part.$$"
    mv "$cache/.part.$$" "$cache/${wheel##*/}"
}

[ -n "$(kept)" ] || build
if [ -n "$folder" ]; then
    mkdir -p "$folder"
    cp "$(kept)" "$folder/"
else
    "$python" -m pip install --quiet "$(kept)"
fi
