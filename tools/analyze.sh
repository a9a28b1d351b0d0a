#!/bin/sh
# Static analysis of cnnc and its runtime: gcc -fanalyzer, clang-tidy and cppcheck. Exit status 1 if one of them says anything.
#
#     tools/analyze.sh [FILE ...]       without arguments: all of compiler/ and runtime/
#
# $BUILD is where cnnc was built (the parser's header is made there). What is not asked for, and why:
#   clang-tidy  bugprone-easily-swappable-parameters: a function of two sizes is no fault
#               bugprone-narrowing-conversions, -implicit-widening...: gcc's -Wconversion, under which all compiles, says what matters of them
#               bugprone-reserved-identifier, -macro-parentheses: tables are made by macros whose arguments are not expressions
#               bugprone-assignment-in-if-condition, -switch-missing-default-case, -branch-clone: a matter of style
#               clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling: wants memcpy_s, which no libc here has
#               bugprone-suspicious-string-compare: `strcmp(a, b)` says "they differ" here, everywhere
#               bugprone-integer-division, -misplaced-widening-cast: whole tiles are counted before they are weighed
#               bugprone-sizeof-expression: a list of pointers to structs is meant
#               clang-analyzer-core.NonNullParamChecker, NullDereference, CallAndMessage: a text that something was added to has its data, memory_allocate never
#               gives NULL, an argument that was checked has its value: in other files, where it cannot see them; the sanitizers would
#               clang-analyzer-core.UndefinedBinaryOperatorResult, uninitialized.Assign and Branch, unix.Malloc: fail() always gives false, in a
#               file that it does not see, so it goes on where nobody does; valgrind and the sanitizers look at these
#               clang-analyzer-core.DivideZero: a tile's group has columns; bugprone-not-null-terminated-result: names are laid together
#               clang-analyzer-optin.portability.UnixAPI: memory_allocate takes 0 bytes
#               clang-analyzer-security.insecureAPI.strcpy: into memory of just that length
#               clang-analyzer-optin.performance.Padding, clang-analyzer-deadcode: a matter of style, of the compiler's own warnings
#   cppcheck    style: the warnings of two compilers do that; missingIncludeSystem: it need not read libc; compareBoolExpressionWithInt:
#               a loop from false to true; funcArgOrderDifferent: it takes types of unnamed parameters for their names; invalidPointerCast:
#               structs of floats are handed over as bytes; nullPointerRedundantCheck, nullPointerArithmeticRedundantCheck,
#               arrayIndexOutOfBoundsCond, ctunullpointer: it goes on behind die(), command_error() and memory_short(), which do not
#               return; in tune.c and its callers it does not see that a generation is filled in where compile_programs was true
#   -fanalyzer  -Wanalyzer-file-leak: of a file that is open when the program ends with a message
#               -Wanalyzer-malloc-leak, -Wanalyzer-null-argument, -possible-null...: the compiler's allocator exits instead of giving NULL,
#               in another file, which the analyser of gcc 12 does not see; leaks are found by make valgrind
# A suppression of one place is a comment there, NOLINT(check) or cppcheck-suppress, with its reason.
set -u
build=${BUILD:-build}
includes="-Icompiler -Iruntime -I$build"
[ $# -gt 0 ] || set -- compiler/*.c compiler/*/*.c runtime/*.c runtime/*/*.c
failed=0

for file in "$@"; do
    said=$(${GCC:-gcc} -std=gnu11 -O1 -fanalyzer -Wno-analyzer-file-leak -Wno-analyzer-malloc-leak -Wno-analyzer-possible-null-argument -Wno-analyzer-possible-null-dereference \
        -Wno-analyzer-null-argument -Wno-analyzer-null-dereference -Wno-analyzer-use-of-uninitialized-value $includes -c "$file" -o /dev/null 2>&1)
    [ -z "$said" ] || { echo "$said" | grep -E 'warning|error'; failed=1; }
done
echo "gcc -fanalyzer: $# files"

# shellcheck disable=SC2086
cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 --suppress=missingIncludeSystem --suppress=compareBoolExpressionWithInt \
    --suppress=funcArgOrderDifferent --suppress=invalidPointerCast --suppress=nullPointerRedundantCheck --suppress=nullPointerArithmeticRedundantCheck \
    --suppress=arrayIndexOutOfBoundsCond --suppress=ctunullpointer --suppress=nullPointer:compiler/commands/tune.c --suppress=uninitvar:compiler/commands/tune.c \
    --suppress=ctuuninitvar:compiler/commands/tune.c $includes "$@" 2>&1 || failed=1
echo "cppcheck: $# files"

# Each file by itself: clang-tidy 14 crashes over long lists.
for file in "$@"; do
    # shellcheck disable=SC2086
    said=$(clang-tidy --quiet "$file" -- -std=gnu11 $includes 2>/dev/null) || said="$said$file: clang-tidy failed"
    [ -z "$said" ] || { echo "$said"; failed=1; }
done
echo "clang-tidy: $# files"
exit $failed
