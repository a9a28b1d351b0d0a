#!/bin/sh
# run.sh BUILD SECONDS [HARNESS...]: fuzzes each harness for its share of the seconds, from the committed corpus and what earlier runs found
# in BUILD/found. Crashes, leaks and hangs are left in BUILD/crashes; BUILD/executions has a line for each run, and the sum is printed.
# The timeout is of the clock, not of the processor, and at the lowest priority of a busy machine a second lasts a minute. Inputs that
# take long, such as those at the limits of the language, are changed less often.
set -u
build=$1 seconds=$2
shift 2
[ $# -gt 0 ] || set -- $(sed -n 's/^HARNESS(\(.*\))$/\1/p' tests/fuzz/harnesses.def)
share=$((seconds / $#))
[ "$share" -gt 0 ] || share=1
mkdir -p "$build/crashes"
FUZZ=dictionary "$build/fuzzer" > "$build/words.dict" || exit 1
status=0
for harness; do
    mkdir -p "$build/found/$harness"
    log=$build/$harness.log
    FUZZ=$harness "$build/fuzzer" "$build/found/$harness" "tests/fuzz/corpus/$harness" -dict="$build/words.dict" -max_total_time="$share" \
        -timeout=100 -entropic_scale_per_exec_time=1 -rss_limit_mb=1024 -malloc_limit_mb=512 -close_fd_mask=3 -print_final_stats=1 \
        -verbosity=1 -artifact_prefix="$build/crashes/$harness-" 2> "$log" || status=1
    count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "$harness ${count:-0}" >> "$build/executions"
    echo "$harness: ${count:-0} executions in ${share} s$(grep -h -m 1 -E 'ERROR:|SUMMARY:' "$log" | sed 's/^/: /')"
done
awk '{ sum += $2 } END { printf "%d executions in all runs\n", sum }' "$build/executions"
[ "$status" -eq 0 ] || echo "finds are in $build/crashes"
exit "$status"
