#!/usr/bin/env bash
# NVIDIA's compute-sanitizer on a sample of the kernels: memcheck (memory that is not theirs),
# racecheck (threads of a block that do not wait for each other), initcheck (what nobody wrote).
#
#     bash tests/gpu/sanitize.sh [words that choose tests, as for pytest -k]
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v compute-sanitizer > /dev/null || {
    echo "compute-sanitizer is not installed; it comes with the CUDA toolkit" >&2; exit 1; }
chosen=${1:-"float32 or programs or compositions or products or loops or blocks or columns"}
for tool in memcheck racecheck initcheck; do
    echo "== $tool"
    compute-sanitizer --tool "$tool" --error-exitcode 1 --target-processes all \
        "${PYTHON:-python}" -m pytest -q -x tests/gpu/test_kernels.py -k "$chosen"
done
