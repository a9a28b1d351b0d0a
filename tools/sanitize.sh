#!/bin/sh
# Runs fixtures with the address and undefined-behaviour sanitizers in the emitted code, in its harness and in the runtime.
#
#     tools/sanitize.sh [PATTERN]       of the fixtures' names: "conv2d_*"; without it: cnn
#
# $BUILD is where cnnc was built; all that is made here goes into $BUILD/sanitized. Leaks of the test framework are not
# looked for.
set -eu
build=$(cd "${BUILD:-build}" && pwd)
flags="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"
mkdir -p "$build/sanitized"
ln -sf "$build/cnnc" "$build/sanitized/cnnc"
# shellcheck disable=SC2086
${CC:-cc} -std=gnu11 $flags -Icompiler -Iruntime tests/unit/emitted.c tests/unit/fixtures.c runtime/*.c runtime/*/*.c \
    -lcriterion -lcjson -lpng -lz -lm -o "$build/sanitized/fixtures"
# Run from within a test, the harness must not take itself for that test (BXFI_MAP is how Criterion tells).
unset BXFI_MAP
ASAN_OPTIONS=detect_leaks=0 FIXTURES=${1:-cnn} EMITTED_CFLAGS=$flags BUILD=$build/sanitized "$build/sanitized/fixtures"
