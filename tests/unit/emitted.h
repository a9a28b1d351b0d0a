/* The emitted C of a network, compiled and loaded into the process of a test. */
#ifndef EMITTED_H
#define EMITTED_H

#include "runtime.h"

/* Runs $BUILD/cnnc on the network twice (the model and its trainer), compiles both with $CC into a shared object under
 * $BUILD/emitted and loads it. $EMITTED_CFLAGS replaces -O2, $EMITTED_OPENMP -fopenmp. NULL on failure; then `problem` says which command failed
 * and what it said. */
const CnncModel *emitted_load(const char *net, char *problem, size_t size);
const CnncModel *emitted_load_with(const char *net, const char *options, char *problem, size_t size); /* of cnnc: -D rate=0 */

size_t emitted_count(int rank, const int64_t *shape); /* of numbers */

/* How many threads the emitted code takes from now on. */
void emitted_threads(int count);

/* Memory as emitted code is handed it: aligned to 64, filled with NaN, so that reading what was never written shows,
 * and followed by a guard, so that writing beyond the end shows. */
void *emitted_memory(size_t size);
bool emitted_memory_intact(const void *memory, size_t size); /* the guard is as it was */

#endif
