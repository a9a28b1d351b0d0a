/* The order in which an epoch takes the samples: Fisher and Yates's shuffle with counter-based numbers, so that
 * the order of any epoch can be had without those before it. */
#include "trainer.h"
#include "random.h"

#include <stdlib.h>

static void permute(uint32_t *items, uint32_t count, uint64_t key)
{
    for (uint32_t i = count; i > 1; i--) {
        /* 0 <= other < i: the high half of a product with 32 random bits. */
        uint32_t other = (uint32_t)(((uint64_t)random_bits(key, i) * i) >> 32);
        uint32_t last = items[i - 1];
        items[i - 1] = items[other];
        items[other] = last;
    }
}

bool shuffle_samples(uint32_t *order, int64_t count, Shuffle shuffle, int64_t batch_size, uint64_t seed, int64_t pass,
                     Failure *failure)
{
    uint64_t key = random_key(random_key(seed, RANDOM_SHUFFLE), (uint64_t)pass);
    for (int64_t i = 0; i < count; i++) order[i] = (uint32_t)i;
    if (shuffle == SHUFFLE_SAMPLES) permute(order, (uint32_t)count, key);
    if (shuffle != SHUFFLE_BATCHES) return true;

    /* Whole batches change places; a smaller last one stays last. */
    int64_t batches = count / batch_size;
    uint32_t *batch = calloc((size_t)batches + 1, sizeof *batch);
    if (!batch) return fail(failure, "no memory to shuffle the batches");
    for (int64_t i = 0; i < batches; i++) batch[i] = (uint32_t)i;
    permute(batch, (uint32_t)batches, key);
    for (int64_t i = 0; i < batches * batch_size; i++) {
        order[i] = (uint32_t)((int64_t)batch[i / batch_size] * batch_size + i % batch_size);
    }
    free(batch);
    return true;
}
