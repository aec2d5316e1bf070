#!/usr/bin/env bash
# All that is to be measured on an NVIDIA GPU, in one go: engines are built, shown to be FP16,
# verified, timed beside torch, profiled, and run until a leak would show.
#
#   benchmarks/gpu.sh [--dry-run] [--only STEP,...] [--again] [--budget SECONDS]
#
# --dry-run   list the steps and end
# --only      run these steps alone, whether done before or not
# --again     run every step, also those done before
# --budget    begin no step that might end later than this many seconds from now
#
# Run it from anywhere. It needs no network: models must lie in the cache (make models), or be
# named in MODELS. A step that fails or overruns its time fails no other; what is done is
# remembered, so that the next call goes on where this one ended. Exit code 0 when every step
# that can be run here was, and 1 when some failed or are left; 2 without a GPU.
#
# Environment:
#   PYTHON   interpreter with Steadypose's dependencies [.venv/bin/python, else python3]
#   TRT86    command of a Python with TensorRT 8.6 of its own, which the same steps are run in too;
#            without nvcc at hand it needs NVRTC (nvidia-cuda-nvrtc-cu12), or crops are made by the CPU
#   OUT      folder for log, records and profile [benchmarks/results/gpu]
#   STATE    file that remembers what is done [OUT/steps.txt]
#   RESULTS  folder that the records are copied to [benchmarks/results]
#   MODELS   networks [refiner-fast refiner-accurate movenet-lightning movenet-thunder]
#   IMAGES   folder of pictures with people [the demo clip, which needs PyAV]
#   DEVICE   [cuda:0]
#   LEVEL    optimisation level of the builds, 0 (quick to build) to 5 [TensorRT's own]
set -uo pipefail

called_in=$PWD
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

dry_run='' only='' again='' budget=''
while [ $# -gt 0 ]; do
    case $1 in
        --dry-run) dry_run=1 ;;
        --again) again=1 ;;
        --only | --budget)
            [ $# -gt 1 ] || { echo "gpu.sh: $1: a value is missing" >&2; exit 2; }
            if [ "$1" = --only ]; then only=$2; else budget=$2; fi
            shift
            ;;
        -h | --help) usage; exit 0 ;;
        *) echo "gpu.sh: unknown option '$1' (see --help)" >&2; exit 2 ;;
    esac
    shift
done
[[ $budget =~ ^[0-9]*$ ]] || { echo "gpu.sh: --budget: expected seconds, got '$budget'" >&2; exit 2; }

absolute() { case $1 in /*) echo "$1" ;; *) echo "$called_in/$1" ;; esac; }

if [ -z "${PYTHON:-}" ]; then
    PYTHON=python3
    [ ! -x .venv/bin/python ] || PYTHON=$root/.venv/bin/python
fi
[[ $PYTHON != */* ]] || PYTHON=$(absolute "$PYTHON")
OUT=$(absolute "${OUT:-$root/benchmarks/results/gpu}")
STATE=$(absolute "${STATE:-$OUT/steps.txt}")
RESULTS=$(absolute "${RESULTS:-$root/benchmarks/results}")
[ -z "${IMAGES:-}" ] || IMAGES=$(absolute "$IMAGES")
DEVICE=${DEVICE:-cuda:0}
read -r -a models <<<"${MODELS:-refiner-fast refiner-accurate movenet-lightning movenet-thunder}"
read -r -a trt86 <<<"${TRT86:-}"
images=()
[ -z "${IMAGES:-}" ] || images=(--images "$IMAGES")
log=$OUT/gpu.log
records=$OUT/engines.jsonl
export PYTHON OUT STATE RESULTS IMAGES DEVICE PYTHONUNBUFFERED=1

# Name, most seconds, where: "main" runs in PYTHON, "first" in the first Python that has a TensorRT,
# "each" in every one.
steps="
look 120 main
build 540 each
build-fp32 400 each
precision 60 each
latency 420 each
torch 420 main
copies 120 each
people 240 each
verify 240 each
difference 240 each
soak 420 each
track 300 first
share 400 first
profile 240 each
tests 400 main
sanitise 300 first
"

if [ -n "$only" ]; then
    IFS=, read -r -a chosen <<<"$only"
    for name in "${chosen[@]}"; do
        grep -q "^${name%@*} " <<<"$steps" || { echo "gpu.sh: unknown step '$name'" >&2; exit 2; }
    done
fi

if [ -n "$dry_run" ]; then
    while read -r name seconds where; do
        [ -n "$name" ] || continue
        more=''
        [ "$where" != each ] || more=", and $name@trt86 where TRT86 is set"
        printf '%-12s at most %3d s%s\n' "$name" "$seconds" "$more"
    done <<<"$steps"
    exit 0
fi

python() { # python main|trt86 ARGUMENT...
    local which=$1
    shift
    if [ "$which" = trt86 ]; then "${trt86[@]}" "$@"; else "$PYTHON" "$@"; fi
}

bench() { # bench WHICH OPTION...
    local which=$1
    shift
    python "$which" -m steadypose.benchmarks.engines "${models[@]}" --device "$DEVICE" \
        ${images[@]+"${images[@]}"} --json "$records" "$@"
}

engine() { # engine WHICH ACTION OPTION...
    local which=$1
    shift
    python "$which" -m steadypose.stream.cli.main engine "$@"
}

build() { # build WHICH MODEL... OPTION...
    local which=$1
    shift
    engine "$which" build "$@" --device "$DEVICE" --batch 1,8,32 \
        ${LEVEL:+--optimisation-level "$LEVEL"}
}

# ---- the steps; each is called with the Python to use

step_look() {
    local tool
    {
        date -u +%FT%TZ
        git log -1 --format='commit %h' 2>/dev/null
        if command -v nvidia-smi >/dev/null; then nvidia-smi; fi
        for tool in nsys ncu compute-sanitizer nvcc; do
            printf '%s: %s\n' "$tool" "$(command -v "$tool" || echo none)"
        done
        python main -m steadypose.stream.cli.main doctor
        [ "${#trt86[@]}" -eq 0 ] || python trt86 -m steadypose.stream.cli.main doctor
        python main -m pip list 2>/dev/null |
            grep -iE '^(torch|triton|onnx|numpy|opencv|av|tensorrt|pycuda|cuda|nvidia)' || true
    } | tee "$OUT/machine.txt"
}

step_build() { # each by itself: one that cannot be had keeps no other from being built
    local model code=0
    for model in "${models[@]}" picodet-s; do
        build "$1" "$model" || code=1
    done
    return $code
}

step_build_fp32() { build "$1" "${models[@]}" --precision fp32; }

step_precision() {
    local listed=$OUT/engines.$1.json
    engine "$1" list --json >"$listed" &&
        python main -m steadypose.benchmarks.engines.evidence <"$listed"
}

step_verify() { engine "$1" verify "${models[@]}" --device "$DEVICE" ${images[@]+"${images[@]}"}; }

step_latency() {
    bench "$1" --sections latency --runtimes tensorrt &&
        bench "$1" --sections latency --runtimes tensorrt --precision fp32 --rounds 100
}

step_copies() {
    local model code=0
    for model in "${models[@]}"; do
        python "$1" -m steadypose.benchmarks.engines.traced "$model" "$DEVICE" || code=1
    done
    return $code
}

step_people() { bench "$1" --sections people --runtimes tensorrt onnxruntime --rounds 100; }

step_difference() { bench "$1" --sections difference --runtimes tensorrt; }

step_soak() { bench "$1" --sections soak --runtimes tensorrt --soak-batches 10000; }

step_torch() {
    bench "$1" --sections latency difference --runtimes torch torch-graph torch-compile &&
        bench "$1" --sections latency --runtimes onnxruntime --rounds 20 --warm 3
}

step_track() {
    local clip
    clip=$(python "$1" -m steadypose.stream.cli.main models path demo-clip) &&
        python "$1" -m steadypose.benchmarks.throughput "$clip" --config fast balanced accurate \
            --json "$OUT/throughput.jsonl"
}

step_share() {
    local clip
    clip=$(python "$1" -m steadypose.stream.cli.main models path demo-clip) &&
        python "$1" -m steadypose.benchmarks.batch sharing "$clip" --config fast --device "$DEVICE" \
            --clips 16 --frames 60 --share 2 4 8 --json "$OUT/batch.jsonl"
}

step_profile() {
    command -v nsys >/dev/null || { echo "no nsys here"; return 3; }
    local report=$OUT/profile-$1
    # A function cannot be handed to nsys.
    local command=("$PYTHON")
    [ "$1" = main ] || command=("${trt86[@]}")
    nsys profile --trace cuda,nvtx --force-overwrite true --output "$report" \
        "${command[@]}" -m steadypose.benchmarks.engines "${models[0]}" --device "$DEVICE" \
        --sections latency --runtimes tensorrt --batches 8 --rounds 100 &&
        nsys stats --report cuda_gpu_kern_sum,cuda_gpu_mem_size_sum,cuda_api_sum "$report.nsys-rep"
}

step_tests() {
    python "$1" -c 'import pytest' 2>/dev/null || { echo "no pytest here"; return 3; }
    python "$1" -m pytest -q -p no:cacheprovider tests/engines/tensorrt tests/engines/test_select.py
}

step_sanitise() {
    command -v compute-sanitizer >/dev/null || { echo "no compute-sanitizer here"; return 3; }
    compute-sanitizer --tool memcheck --error-exitcode 9 "$PYTHON" \
        -m steadypose.benchmarks.engines "${models[0]}" --device "$DEVICE" \
        --sections latency --runtimes tensorrt --batches 1 3 --rounds 2 --warm 2
}

# A step runs in a shell of its own, so that its time limit ends all that it started.
if [ -n "${GPU_STEP:-}" ]; then
    "step_${GPU_STEP//-/_}" "$GPU_WHICH"
    exit
fi

# ---- what there is

# The last line of what it says on stderr: an error's own line.
last_line() { tail -n 1 | cut -c 1-300; }

probe='
from steadypose.engines.tensorrt.device import find_gpu
from steadypose.errors import SteadyposeError
import sys
try:
    print(find_gpu(sys.argv[1]))
except SteadyposeError as error:
    sys.exit(str(error))
'
if ! gpu=$(python main -c "$probe" "$DEVICE" 2>&1); then
    gpu=$(last_line <<<"$gpu")
    echo "gpu.sh: ${gpu%, or use --device cpu}" >&2
    exit 2
fi

mkdir -p "$OUT" || exit 1
echo "gpu.sh: $gpu; log in $log"

imports='import steadypose.stream.cli.main, steadypose.benchmarks.engines.run'
flavour='
from steadypose.engines.tensorrt.flavours import find_flavour
from steadypose.errors import SteadyposeError
import sys
try:
    print(find_flavour())
except SteadyposeError as error:
    sys.exit(str(error))
'
# The Pythons that have a TensorRT; why one cannot be used is said once.
pythons=()
for which in main trt86; do
    [ "$which" = main ] || [ "${#trt86[@]}" -gt 0 ] || continue
    if ! found=$(python "$which" -c "$imports" 2>&1); then
        echo "gpu.sh: $which: $(last_line <<<"$found")"
    elif ! found=$(python "$which" -c "$flavour" 2>&1); then
        echo "gpu.sh: $which: $(last_line <<<"$found")"
    else
        echo "gpu.sh: $which: $found"
        pythons+=("$which")
    fi
done

# ---- running the steps

outcomes() { # the last outcome of each step that was run, in the order of their first runs
    [ ! -f "$STATE" ] ||
        awk '!($1 in last) { order[++n] = $1 } { last[$1] = $0 } END { for (i = 1; i <= n; i++) print last[order[i]] }' "$STATE"
}

wanted() { # wanted NAME
    if [ -n "$only" ]; then
        [[ ,$only, == *,$1,* || ,$only, == *,${1%@*},* ]]
    elif [ -z "$again" ]; then
        ! outcomes | grep -qE "^$1 (ok|none) "
    fi
}

run_step() { # run_step NAME SECONDS STEP WHICH
    local name=$1 seconds=$2 began=$SECONDS code result
    if [ -n "$budget" ] && [ $((SECONDS + seconds)) -gt "$budget" ]; then
        echo "$name left 0 s" >>"$STATE"
        return
    fi
    printf '%-18s ' "$name"
    printf '\n==== %s, %s\n' "$name" "$(date -u +%FT%TZ)" >>"$log"
    GPU_STEP=$3 GPU_WHICH=$4 timeout --kill-after 10 "$seconds" \
        bash "${BASH_SOURCE[0]}" >>"$log" 2>&1 </dev/null
    code=$?
    case $code in
        0) result=ok ;;
        3) result=none ;;
        124 | 137) result=late ;;
        *) result=failed ;;
    esac
    echo "$result $((SECONDS - began)) s"
    echo "$name $result $((SECONDS - began)) s" >>"$STATE"
    case $result in
        ok) ;;
        *) tail -n 1 "$log" | cut -c 1-200 | sed 's/^/    /' ;;
    esac
}

while read -r step seconds where <&3; do
    case $where in
        '') continue ;;
        main) places=(main) ;;
        first) places=(${pythons[@]+"${pythons[0]}"}) ;;
        each) places=(${pythons[@]+"${pythons[@]}"}) ;;
    esac
    for which in ${places[@]+"${places[@]}"}; do
        name=$step
        [ "$which" = main ] || name=$step@$which
        ! wanted "$name" || run_step "$name" "$seconds" "$step" "$which"
    done
done 3<<<"$steps"

# ---- what was found

if [ -f "$records" ]; then
    card=$(tr -cs 'a-z0-9' '-' <<<"${gpu,,}" | sed -E 's/^cuda-[0-9]+-//; s/-sm-[0-9]+-?$//; s/-$//')
    cp "$records" "$RESULTS/engines-$card.jsonl"
    python main -m steadypose.benchmarks.engines.summary "$records"
fi
echo "== steps"
outcomes | while read -r name result; do printf '%-18s %s\n' "$name" "$result"; done
! outcomes | grep -qvE ' (ok|none) '
