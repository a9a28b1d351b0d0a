#!/bin/sh
# Emits networks and compiles what comes out, where every warning is an error: with gcc and clang, with and without
# OpenMP, inference also as C++17, the trainer's table too.
#
#     tools/warnings.sh [NET ...]       without arguments: the examples, the fixtures and the layer cases
#
# $BUILD is where cnnc was built; what was emitted stays in $BUILD/warnings. Exit status 1 if anything was said.
set -u
build=${BUILD:-build}
warnings="-O2 -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wdouble-promotion -Wvla -pedantic -Werror"
failed=0

if [ $# -eq 0 ]; then
    set -- examples/*/*.net tests/fixtures/*.net tests/layers/*.net
fi
compilers=
for compiler in gcc clang; do
    if command -v $compiler >/dev/null && command -v "$(echo $compiler | sed 's/gcc/g++/; s/clang/clang++/')" >/dev/null; then
        compilers="$compilers $compiler"
    else
        echo "$compiler is not installed: nothing is compiled with it" >&2
    fi
done
[ -n "$compilers" ] || exit 1

# compile WHAT COMMAND ...: says what was compiled only if the compiler said something
compile() {
    what=$1
    shift
    if ! said=$("$@" 2>&1) || [ -n "$said" ]; then
        printf '%s: %s\n%s\n' "$what" "$*" "$(echo "$said" | head -n 30)"
        failed=1
    fi
}

for net in "$@"; do
    name=$(echo "${net%.net}" | tr / _)
    out=$build/warnings/$name
    rm -rf "$out"
    mkdir -p "$out"
    if ! { "$build/cnnc" "$net" -o "$out/model.c" && "$build/cnnc" "$net" --emit=trainer -o "$out/model_trainer.c" &&
        "$build/cnnc" "$net" --emit=inference -o "$out/inference.c"; }; then
        failed=1
        continue
    fi
    for compiler in $compilers; do
        case $compiler in gcc) plus=g++ ;; *) plus=clang++ ;; esac
        # The whole compiler once, for the warnings that need its optimiser; the other forms differ in what the front end sees.
        # shellcheck disable=SC2086
        compile "$net" $compiler -std=c11 $warnings -fopenmp -c "$out/model.c" -o "$out/model.o"
        for source in "-std=c11 $out/model.c" "-std=c11 $out/inference.c" "-std=c11 -fopenmp -Iruntime $out/model_trainer.c"; do
            # shellcheck disable=SC2086
            compile "$net" $compiler $warnings -fsyntax-only $source
        done
        for openmp in "" -fopenmp; do
            # shellcheck disable=SC2086
            compile "$net" $plus -x c++ -std=c++17 $warnings $openmp -fsyntax-only "$out/inference.c"
        done
    done
done
exit $failed
