/* Times one function of an emitted model.c, in a process of its own, and prints JSON.
 *
 *     cc -O2 -fopenmp -DMODEL=lenet5 -DMODEL_UPPER=LENET5 [-DTRAINING] -I FOLDER driver.c FOLDER/lenet5.c -lm
 *     driver infer|step BATCH SECONDS WEIGHTS.safetensors input.f32 target.f32 output.f32
 *
 * input and target hold raw floats of CHECKED samples; output receives the network's answers to them, which the caller
 * compares before it believes the times. Inference takes the samples by turns, a batch at a time. The number of threads is OMP_NUM_THREADS. */
#define _GNU_SOURCE /* MADV_HUGEPAGE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PASTE(a, b) a##b
#define JOIN(a, b) PASTE(a, b)
#define LOWER(name) JOIN(MODEL, _##name)
#define UPPER(name) JOIN(MODEL_UPPER, _##name)
#define QUOTE(text) #text
#define HEADER(name) QUOTE(name.h)
#define HEADER_OF(name) HEADER(name)
#include HEADER_OF(MODEL)

#ifndef CHECKED
#define CHECKED 128
#endif
enum { MOST_TIMES = 100000, FEWEST_TIMES = 5, HUGE_PAGE = 2 << 20 };

typedef struct {
    size_t batch;
    LOWER(weights) * weights, *slots;
    float *input, *target, *output;
    void *arena;
    uint64_t steps;
} Job;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void give_up(const char *what)
{
    fprintf(stderr, "driver: %s\n", what);
    exit(1);
}

/* In large pages, as trainers have it (runtime/memory.c). */
static void *zeros(size_t size)
{
    size_t alignment = size < HUGE_PAGE ? UPPER(ALIGNMENT) : HUGE_PAGE;
    size_t whole = size ? (size + alignment - 1) / alignment * alignment : alignment;
    void *memory = aligned_alloc(alignment, whole);
    if (!memory) give_up("no memory");
#ifdef MADV_HUGEPAGE
    if (size >= HUGE_PAGE) (void)madvise(memory, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
    return memset(memory, 0, size);
}

/* The last `size` bytes of a file, which must have no more than `before` bytes in front of them. */
static void read_end(const char *path, void *to, size_t size, size_t before)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) give_up(path);
    long length = ftell(file);
    if (length < (long)size || (size_t)length - size > before) give_up("a file has another size than the network needs");
    if (fseek(file, length - (long)size, SEEK_SET) || fread(to, 1, size, file) != size) give_up(path);
    fclose(file);
}

static void infer(Job *job, size_t first)
{
    const float *input = job->input + first * UPPER(INPUT_SIZE);
    float *output = job->output + first * UPPER(OUTPUT_SIZE);
    if (job->batch == 1)
        LOWER(predict)(job->weights, input, output, job->arena);
    else
        LOWER(predict_batch)(job->weights, input, output, job->batch, job->arena);
}

static void step(Job *job)
{
#ifdef TRAINING
    const LOWER(training_step) s = {.seed = 1, .step = job->steps++, .learning_rate = 0.001f};
    LOWER(train_step)(job->weights, job->slots, job->input, job->target, NULL, job->batch, &s, NULL, NULL, job->arena);
#else
    (void)job;
    give_up("this network was emitted without training");
#endif
}

static void repeat(Job *job, int training, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        if (training)
            step(job);
        else
            infer(job, job->steps++ * job->batch % CHECKED);
    }
}

/* Of the batch that is trained on, without noise: it must become less, however few the steps. */
static float loss(Job *job)
{
#ifdef TRAINING
    return LOWER(evaluate)(job->weights, job->input, job->target, NULL, job->batch, NULL, NULL, job->arena);
#else
    (void)job;
    return 0;
#endif
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static double times[MOST_TIMES];
    if (argc != 8) give_up("infer|step BATCH SECONDS WEIGHTS.safetensors input.f32 target.f32 output.f32");
    int training = !strcmp(argv[1], "step");
    double budget = atof(argv[3]);
    Job job = {.batch = (size_t)atoi(argv[2])};
    if (job.batch == 0 || CHECKED % job.batch != 0) give_up("the batch must divide the number of samples");

    /* The tensors of the file stand in the order of the struct's members, behind the header. */
    LOWER(parameters) *parameters = zeros(sizeof *parameters);
    read_end(argv[4], parameters, sizeof *parameters, 1 << 16);
    job.weights = zeros(sizeof *job.weights);
    LOWER(pack)(parameters, job.weights);
    free(parameters);
    job.input = zeros(sizeof(float) * CHECKED * UPPER(INPUT_SIZE));
    read_end(argv[5], job.input, sizeof(float) * CHECKED * UPPER(INPUT_SIZE), 0);
    job.output = zeros(sizeof(float) * CHECKED * UPPER(OUTPUT_SIZE));
    job.target = zeros(sizeof(float) * CHECKED * UPPER(OUTPUT_SIZE));
    read_end(argv[6], job.target, sizeof(float) * CHECKED * UPPER(OUTPUT_SIZE), 0);
    size_t arena = job.batch == 1 ? UPPER(ARENA_BYTES) : UPPER(BATCH_ARENA_BYTES);
#ifdef TRAINING
    if (training) {
        arena = arena > UPPER(TRAIN_ARENA_BYTES) ? arena : UPPER(TRAIN_ARENA_BYTES);
        arena = arena > UPPER(EVALUATE_ARENA_BYTES) ? arena : UPPER(EVALUATE_ARENA_BYTES);
        job.slots = zeros(sizeof *job.slots * UPPER(SLOTS));
    }
#endif
    job.arena = zeros(arena);

    for (size_t first = 0; first < CHECKED; first += job.batch) infer(&job, first);
    FILE *output = fopen(argv[7], "wb");
    if (!output || fwrite(job.output, sizeof(float) * UPPER(OUTPUT_SIZE), CHECKED, output) != CHECKED || fclose(output))
        give_up(argv[7]);

    /* The warm-up, which also tells how many calls last a millisecond. */
    float first_loss = training ? loss(&job) : 0;
    repeat(&job, training, 1);
    double start = seconds();
    size_t calls = 0;
    do {
        repeat(&job, training, 1);
        calls++;
    } while (seconds() - start < 0.2);
    size_t chunk = (size_t)((double)calls * 0.001 / 0.2) + 1;

    int count = 0;
    start = seconds();
    while (count < MOST_TIMES && (count < FEWEST_TIMES || seconds() - start < budget)) {
        double before = seconds();
        repeat(&job, training, chunk);
        times[count++] = (seconds() - before) / (double)chunk;
    }
    qsort(times, (size_t)count, sizeof *times, by_size);
    printf("{\"seconds\": %.9g, \"least\": %.9g, \"losses\": [%.6g, %.6g]}\n", times[count / 2], times[0], (double)first_loss, (double)(training ? loss(&job) : 0));
    return 0;
}
