#!/bin/sh
# Which lines and branches of cnnc and its runtime the tests run.
#
#     tools/coverage.sh [SUITES]        what --filter of the tests takes; without it: all of them
#
# $BUILD is where everything was built with --coverage; counts add up over runs until the folder is removed. Trainers that the tests
# build link the runtime of $BUILD, into which gcc's library that counts is put, so that they need no flags and count too.
# The suites that inject faults are left out: a disk that is full damages the files of counts as it does others.
# Prints a table, the least covered files first, and ends with status 1 if fewer than 90 % of the lines of
# the compiler or of the runtime were run. Left out: tests, emitted C, the parser's and lexer's tables that bison and flex make.
set -eu
build=$(cd "${BUILD:-build/coverage}" && pwd)
root=$(pwd)
if ! ar t "$build/libcnnc_runtime.a" | grep -q _gcov; then
    rm -rf "$build/gcov" && mkdir "$build/gcov"
    (cd "$build/gcov" && ar x "$(${CC:-cc} -print-file-name=libgcov.a)" && ar q "$build/libcnnc_runtime.a" ./*.o && ranlib "$build/libcnnc_runtime.a")
fi
[ "${SUITES:-}" = none ] || BUILD=$build "$build/unit" --filter "${1:-!(faults_*)/*}" || echo "some tests failed; what they ran counts"

cd "$build"
for part in compiler runtime; do
    find "$part" -name '*.gcda' | sed 's/\.gcda$/.o/' | while read -r object; do
        gcov -b -n -s "$root" -r -o "$(dirname "$object")" "$object" 2>/dev/null
    done | awk -v part="$part" '
        /^File / { gsub(/\047/, "", $2); file = $2; next }
        /^Lines executed/ && index(file, part "/") == 1 && file ~ /\.c$/ { split($2, a, /[:%]/); lines[file] = $4; run[file] = a[2] * $4 / 100 }
        /^Taken at least once/ && file in lines { split($4, a, /[:%]/); branches[file] = $6; taken[file] = a[2] * $6 / 100; file = "" }
        END {
            for (f in lines) {
                printf "%6.1f %% of %5d lines  %6.1f %% of %5d branches  %s\n", 100 * run[f] / lines[f], lines[f], branches[f] ? 100 * taken[f] / branches[f] : 100, branches[f], f | "sort -n"
                l += lines[f]; r += run[f]; b += branches[f]; t += taken[f]
            }
            close("sort -n")
            printf "%s: %.1f %% of %d lines, %.1f %% of %d branches\n", part, 100 * r / l, l, 100 * t / b, b
            exit !(r >= 0.9 * l)
        }' || touch "$build/too_little"
done
[ ! -e "$build/too_little" ] || { rm "$build/too_little"; echo "fewer than 90 % of the lines"; exit 1; }
