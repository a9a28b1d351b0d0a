#!/bin/sh
# Runs cnnc, trainers and emitted code under valgrind's memcheck.
#
#     tools/valgrind.sh                 $BUILD is where everything was built
#
# cnnc emits and refuses networks; a trainer trains, saves, resumes, evaluates and predicts, and may leak nothing; and files of --selftest run with
# their memory marked by client requests: its numbers undefined until they are written, and what lies behind each arena, output and
# gradient forbidden. $LAYERS, a pattern, chooses among tests/layers. Exit status 1 if memcheck said anything.
set -eu
build=$(cd "${BUILD:-build}" && pwd)
rm -rf "$build/valgrind"
mkdir -p "$build/valgrind"
failed=0

# check EXPECTED COMMAND ...: its exit status, with no errors and no leaks
check() {
    expected=$1 status=0
    shift
    valgrind -q --error-exitcode=99 --leak-check=${leaks:-full} --errors-for-leak-kinds=definite "$@" > "$build/valgrind/out" 2> "$build/valgrind/said" || status=$?
    if [ $status -ne "$expected" ] || grep -q '^==' "$build/valgrind/said"; then
        printf 'status %d: %s, %s\n' $status "$*" "$net"
        grep 'WRONG$' "$build/valgrind/out" | head -n 5
        grep '^==' "$build/valgrind/said" | head -n 30
        failed=1
    fi
}

count=0
for net in tests/layers/${LAYERS:-*}.net; do
    # valgrind 3.19 knows no AVX-512: one level, the portable one
    check 0 "$build/cnnc" --selftest --target=generic "$net" -o "$build/valgrind/selftest.c"
    ${CC:-cc} -std=gnu11 -O1 -g -include valgrind/memcheck.h "$build/valgrind/selftest.c" -o "$build/valgrind/selftest" -lm
    leaks=no check 0 "$build/valgrind/selftest" # it ends with all its memory
    count=$((count + 1))
done
echo "valgrind: $count networks emitted, and their files run"

count=0
for net in tests/language/*.net; do
    [ -e "${net%.net}.err" ] || continue
    count=$((count + 1))
    [ $((count % ${EVERY:-10})) -eq 0 ] || continue
    # shellcheck disable=SC2046 # a first line `#! -D clases=26` holds options
    check 1 "$build/cnnc" $(sed -n '1s/^#!//p' "$net") "$net" -o "$build/valgrind/refused.c"
done
echo "valgrind: of $count bad networks each ${EVERY:-10}th refused"

net=tests/soak/soak.net
cd "$build/valgrind"
CFLAGS="-O1 -g -fno-openmp -DCNNC_LEVEL=0" "$build/cnnc" "$OLDPWD/tests/soak/soak.net" --target=generic -o soak
{ printf '\000\000\010\003\000\000\000\200\000\000\000\014\000\000\000\014' && head -c 18432 /dev/urandom; } > x
{ printf '\000\000\010\001\000\000\000\200' && head -c 128 /dev/urandom | LC_ALL=C tr '\000-\377' '[\000*64][\001*64][\002*64][\003*64]'; } > y
check 0 ./soak fit --x x --y y --verbose 0 --seed 1 --epochs 2 --checkpoint state.safetensors --output w.safetensors
check 0 ./soak fit --x x --y y --verbose 0 --resume state.safetensors --epochs 3 --output w.safetensors
check 0 ./soak evaluate --x x --y y --weights w.safetensors
check 0 ./soak predict --weights w.safetensors x -o p.npy
check 0 ./soak report --x x --y y --weights w.safetensors --history history.csv -o report.html
check 1 ./soak predict --weights x x
echo "valgrind: a trainer's commands"
exit $failed
