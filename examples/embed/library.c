/* The network as a shared library for other languages: one function, and nothing that the caller has to know of sizes or memory. */
#include "digit.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int classes(void);
EXPORTED void probabilities(const float *pictures, float *results, size_t count);

int classes(void)
{
    return DIGIT_OUTPUT_SIZE;
}

/* Of `count` pictures, one behind the other. Threads may call it side by side: each has an arena of its own. */
void probabilities(const float *pictures, float *results, size_t count)
{
    static _Thread_local DIGIT_ALIGNED unsigned char arena[DIGIT_ARENA_BYTES];
    for (size_t i = 0; i < count; i++)
        digit_predict(digit_trained, pictures + i * DIGIT_INPUT_SIZE, results + i * DIGIT_OUTPUT_SIZE, arena);
}
