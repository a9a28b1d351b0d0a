/* What holds for every optimiser: a training that is cut off and resumed ends in the same bits, whatever number of threads makes a step the
 * bits are the same, and what fills up packed weights stays zero. Values are compared with Keras's by the fixtures. */
#include "cnnc.h"
#include "drive.h"
#include "emitted.h"
#include "patience.h"
#include "random.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SAMPLES = 22, BATCH = 5, STEPS = 6, INPUTS = 6 * 5 * 2, OUTPUTS = 3 };

typedef struct {
    char name[64], call[256];
} Case;

/* Each row of the table, with one way of clipping or the other; a schedule; and what divides by roots of zero where nothing was added up. */
static const Case further[] = {
    {"schedule", "nadam(cosine_decay(0.01, 5, alpha=0.1, warmup_target=0.05, warmup_steps=4))"},
    {"no_epsilon", "adam(0.01, epsilon=0)"},
    {"power", "ftrl(0.1, learning_rate_power=-0.7, initial_accumulator_value=0)"},
};
enum { FURTHER = sizeof further / sizeof *further };

ParameterizedTestParameters(optimizers, every_row)
{
    static const char *const clipping[] = {"global_clipnorm=0.3", "clipvalue=0.01", "clipnorm=0.1"};
    int count = optimizer_table.count + FURTHER;
    Case *cases = cr_malloc((size_t)count * sizeof *cases);
    for (int i = 0; i < optimizer_table.count; i++) {
        const char *name = optimizer_table.entries[i]->name;
        snprintf(cases[i].name, sizeof cases[i].name, "optimizer_%s", name);
        snprintf(cases[i].call, sizeof cases[i].call, "%s(0.02, weight_decay=0.1, %s)", name, clipping[i % 3]);
    }
    memcpy(cases + optimizer_table.count, further, sizeof further);
    return cr_make_param_array(Case, cases, (size_t)count, NULL);
}

/* Panels of packed weights that are not full, penalties, Winograd's forms. */
static const CnncModel *load(const Case *chosen)
{
    char path[256], problem[4096];
    const char *build = getenv("BUILD");
    snprintf(path, sizeof path, "%s/emitted", build && *build ? build : "build");
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/emitted/%s.net", build && *build ? build : "build", chosen->name);
    FILE *file = fopen(path, "w");
    cr_assert(file, "%s", path);
    fprintf(file,
            "model m\ninput(6, 5, 2)\nconv2d(3, 3x3, activation=tanh, kernel_regularizer=l1_l2(0.001, 0.01))\nflatten()\n"
            "dense(19, activation=relu)\ndense(%d, bias_regularizer=l2)\n"
            "compile(optimizer=%s, loss=mean_squared_error)\nfit(batch_size=%d)\n",
            OUTPUTS,
            chosen->call,
            BATCH);
    fclose(file);
    const CnncModel *model = emitted_load(path, problem, sizeof problem);
    cr_assert(model, "%s", problem);
    return model;
}

static void draw(float *to, size_t count, uint64_t key)
{
    for (size_t i = 0; i < count; i++) to[i] = (float)(2 * random_uniform(key, (uint32_t)i) - 1);
}

static void check_resume(const CnncModel *model)
{
    static float x[SAMPLES * INPUTS], y[SAMPLES * OUTPUTS];
    draw(x, SAMPLES * INPUTS, 1);
    draw(y, SAMPLES * OUTPUTS, 2);
    write_array("x.npy", ARRAY_FLOAT32, 4, (const int64_t[]){SAMPLES, 6, 5, 2}, x);
    write_array("y.npy", ARRAY_FLOAT32, 2, (const int64_t[]){SAMPLES, OUTPUTS}, y);
    expect_success(RUN(model, "fit", "--x", "x.npy", "--y", "y.npy", "--verbose", "0", "--epochs", "3", "-o", "whole"));
    expect_success(RUN(model, "fit", "--x", "x.npy", "--y", "y.npy", "--verbose", "0", "--epochs", "1", "--checkpoint", "c", "-o", "one"));
    expect_success(RUN(model, "fit", "--x", "x.npy", "--y", "y.npy", "--verbose", "0", "--epochs", "3", "--resume", "c", "-o", "cut"));
    cr_expect(files_equal("cut", "whole"), "resumed, it ends in other weights");
    cr_expect(!files_equal("one", "whole"));
}

/* Steps from the first weights; the weights and then the optimiser's memories, as they lie in memory. */
static char *train(const CnncModel *model, int threads)
{
    size_t size = model->weights_size, slots_size = size * (size_t)model->slot_count;
    char *state = emitted_memory(size + slots_size);
    void *parameters = emitted_memory(model->parameters_size), *arena = emitted_memory(model->train_arena_size);
    static float x[BATCH * INPUTS], y[BATCH * OUTPUTS];
    Failure failure;
    initial_slots(model, parameters, state + size);
    cr_assert(initial_parameters(model, 4, parameters, &failure), "%s", failure.text);
    model->pack(parameters, state);
    emitted_threads(threads);
    for (uint64_t step = 0; step < STEPS; step++) {
        CnncStep told = {.step = step, .learning_rate = model->schedule ? model->schedule(step) : model->learning_rate};
        draw(x, BATCH * INPUTS, 10 + step);
        draw(y, BATCH * OUTPUTS, 20 + step);
        model->train_step(state, state + size, (const void *[]){x}, (const void *[]){y}, NULL, BATCH, &told, NULL, NULL, arena);
    }
    free(arena);
    free(parameters);
    return state;
}

/* Unpacked and packed again a struct is as it was only where the numbers that fill up its panels are zero. */
static bool padding_is_zero(const CnncModel *model, const char *packed)
{
    void *parameters = emitted_memory(model->parameters_size), *again = emitted_memory(model->weights_size);
    memcpy(again, packed, model->weights_size); /* for the bytes between tensors, which nobody writes */
    model->unpack(packed, parameters);
    model->pack(parameters, again);
    bool same = !memcmp(again, packed, model->weights_size);
    free(again);
    free(parameters);
    return same;
}

ParameterizedTest(Case *chosen, optimizers, every_row, .timeout = 400 * PATIENCE)
{
    const CnncModel *model = load(chosen);
    drive_begin();
    check_resume(model);
    drive_end();
    char *one = train(model, 1), *three = train(model, 3);
    size_t size = model->weights_size;
    cr_expect(!memcmp(one, three, size), "%s: with three threads the weights differ from those with one", chosen->call);
    cr_expect(!memcmp(one + size, three + size, size * (size_t)model->slot_count), "%s: and the optimiser's memories", chosen->call);
    cr_expect(padding_is_zero(model, one), "%s: the padding of weights is not zero", chosen->call);
    free(one);
    free(three);
}

Test(optimizers, bad_arguments, .init = shell_enter, .fini = shell_leave)
{
    static const struct {
        const char *call, *message;
    } cases[] = {
        {"sgd(clipnorm=1, clipvalue=2)", "3:45: error: sgd takes one of `clipnorm`, `clipvalue` and `global_clipnorm`, not several"},
        {"adam(global_clipnorm=1, clipnorm=1)", "note: `clipnorm` stands here"},
        {"rmsprop(rho=2)", "`rho` of rmsprop must be at least 0 and at most 1, not 2"},
        {"adam(beta_1=1)", "`beta_1` of adam must be at least 0 and below 1, not 1"},
        {"adam(exponential_decay(0.1, 0, 0.5))", "`decay_steps` of exponential_decay must be above 0"},
        {"adam(exponential_decai(0.1, 3, 0.5))", "unknown schedule `exponential_decai`; did you mean `exponential_decay`?"},
        {"adam(cosine_decay)", "cosine_decay needs `initial_learning_rate` and `decay_steps`"},
        {"adam(\"fast\")", "`learning_rate` of adam must be a number or a schedule, not a string"},
        {"sgd(piecewise_constant_decay([1, 2], [0.1, 0.2]))", "`values` must be one more than `boundaries`: 3 for 2, not 2"},
        {"sgd(piecewise_constant_decay([2, 2], [0.1, 0.2, 0.3]))", "`boundaries` must ascend: 2 stands behind 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        shell_file("rest", cases[i].call);
        shell_refused(cases[i].message, "{ echo 'model m'; echo 'input(3) dense(2)'; echo \"compile(optimizer=$(cat rest), loss=mean_squared_error)\"; } > bad.net && \"$CNNC\" bad.net -o bad.c");
    }
}

Test(optimizers, a_schedule_excludes_callbacks_that_set_the_rate, .init = shell_enter, .fini = shell_leave)
{
    shell_good("{ echo 'model m'; echo 'input(3) dense(2)'; echo 'compile(sgd(cosine_decay(0.1, 9)), mean_squared_error)'; } > m.net && CFLAGS=\"$QUICK\" \"$CNNC\" m.net -o m");
    static float numbers[12];
    write_array("x.npy", ARRAY_FLOAT32, 2, (const int64_t[]){4, 3}, numbers);
    write_array("y.npy", ARRAY_FLOAT32, 2, (const int64_t[]){4, 2}, numbers);
    shell_good("./m fit --x x.npy --y y.npy --verbose 0");
    shell_refused("reduce_lr_on_plateau sets the learning rate, but that of the optimiser is a schedule",
                  "./m fit --x x.npy --y y.npy --callbacks 'reduce_lr_on_plateau(loss)'");
    shell_refused("learning_rate_scheduler sets the learning rate", "./m fit --x x.npy --y y.npy --callbacks 'learning_rate_scheduler({0: 0.1})'");
}
