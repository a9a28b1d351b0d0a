#!/bin/sh
# Trains a small network for a long time under the address sanitizer, with one thread, and watches its memory.
#
#     tools/soak.sh [SECONDS]           without it: an hour
#
# $BUILD is where everything was built with the sanitizers. The network, tests/soak/soak.net, has noise, dropout, statistics, a recurrent
# layer and a schedule; it writes a checkpoint each epoch, a history, and its best weights; it is ended by Ctrl-C, as a
# user would, and must then save, say how to go on, and have leaked nothing. Its memory is printed twelve times; after the first twelfth
# it may grow by no more than 2 MB and what the history takes, 1 KB an epoch (so ten minutes are the least that says something). Exit status 1 otherwise.
set -eu
seconds=${1:-3600}
build=$(cd "${BUILD:-build/sanitized}" && pwd)
here=$(pwd)
rm -rf "$build/soak"
mkdir -p "$build/soak"
cd "$build/soak"

CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all" "$build/cnnc" "$here/tests/soak/soak.net" -o soak
# 6144 pictures of 12 x 12 bytes, and a class from 0 to 3 for each, in IDX.
{ printf '\000\000\010\003\000\000\030\000\000\000\000\014\000\000\000\014' && head -c 884736 /dev/urandom; } > x
{ printf '\000\000\010\001\000\000\030\000' && head -c 6144 /dev/urandom | LC_ALL=C tr '\000-\377' '[\000*64][\001*64][\002*64][\003*64]'; } > y

# What was freed is kept for a while, to find whoever still uses it: 8 MB of it, so that memory is constant soon.
ASAN_OPTIONS=quarantine_size_mb=8:detect_leaks=${LEAKS:-1} UBSAN_OPTIONS=print_stacktrace=1 OMP_NUM_THREADS=1 \
    ./soak fit --x x --y y --verbose 0 --seed 1 --checkpoint state.safetensors --output weights.safetensors > said 2>&1 &
child=$!
trap 'kill -KILL $child 2>/dev/null || true' EXIT

resident() {
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' /proc/$child/status
}
epochs() {
    if [ -s history.csv ]; then echo $(($(wc -l < history.csv) - 1)); else echo 0; fi
}
echo "seconds  epochs  resident"
first= turn=1
while [ $turn -le 12 ]; do
    sleep $((seconds * turn / 12 - seconds * (turn - 1) / 12))
    kill -0 $child 2>/dev/null || { echo "it ended by itself:" && cat said && exit 1; }
    now=$(resident) done=$(epochs)
    printf '%7d %7d %6d KB\n' $((seconds * turn / 12)) "$done" "$now"
    [ -n "$first" ] || first=$now first_done=$done
    turn=$((turn + 1))
done
kill -INT $child
status=0
wait $child || status=$?
trap - EXIT
cat said
[ $status -eq 130 ] || { echo "exit status $status, not 130" && exit 1; }
grep -q -- --resume said || { echo "it does not say how to go on" && exit 1; }
allowed=$((2048 + done - first_done))
echo "after the first twelfth: $((now - first)) KB more, $allowed KB are allowed; $done epochs"
[ "$done" -gt "$first_done" ] && [ $((now - first)) -le $allowed ]
