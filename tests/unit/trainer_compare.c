/* trainer compare: what layers give, here and elsewhere. Elsewhere is this file: two small dense layers, computed naively. */
#include "drive.h"
#include "patience.h"
#include "shell.h"

#include <string.h>

enum { SAMPLES = 5, INPUTS = 4, HIDDEN = 3, OUTPUTS = 2 };

static float x[SAMPLES][INPUTS], hidden[SAMPLES][HIDDEN], last[SAMPLES][OUTPUTS];

/* The weights as a file, with the number at [row][column] of `named` being wrong by `by`. */
static void write_weights(const char *path, const char *named, float by)
{
    float first[INPUTS][HIDDEN], second[HIDDEN][OUTPUTS], bias[HIDDEN] = {0.1F, -0.2F, 0.3F}, none[OUTPUTS] = {0};
    for (int i = 0; i < INPUTS; i++)
        for (int j = 0; j < HIDDEN; j++) first[i][j] = (float)((i * 5 + j * 3) % 7 - 3) / 4;
    for (int i = 0; i < HIDDEN; i++)
        for (int j = 0; j < OUTPUTS; j++) second[i][j] = (float)((i * 2 + j) % 5 - 2) / 3;
    if (!strcmp(named, "")) { /* then they are those of elsewhere */
        for (int n = 0; n < SAMPLES; n++) {
            for (int j = 0; j < HIDDEN; j++) {
                hidden[n][j] = bias[j];
                for (int i = 0; i < INPUTS; i++) hidden[n][j] += x[n][i] * first[i][j];
                hidden[n][j] = fmaxf(hidden[n][j], 0);
            }
            for (int j = 0; j < OUTPUTS; j++) {
                last[n][j] = 0;
                for (int i = 0; i < HIDDEN; i++) last[n][j] += hidden[n][i] * second[i][j];
            }
        }
    }
    if (!strcmp(named, "hidden")) first[1][0] += by;
    if (!strcmp(named, "last")) second[0][1] += by;
    TensorFile file = {0};
    Failure failure;
    const Array arrays[] = {{ARRAY_FLOAT32, 2, {INPUTS, HIDDEN}, first}, {ARRAY_FLOAT32, 1, {HIDDEN}, bias}, {ARRAY_FLOAT32, 2, {HIDDEN, OUTPUTS}, second}, {ARRAY_FLOAT32, 1, {OUTPUTS}, none}};
    static const char *const names[] = {"hidden/kernel", "hidden/bias", "last/kernel", "last/bias"};
    for (int i = 0; i < 4; i++) cr_assert(safetensors_add(&file, names[i], &arrays[i], &failure), "%s", failure.text);
    cr_assert(safetensors_write(path, &file, &failure), "%s", failure.text);
    safetensors_free(&file);
}

static void write_elsewhere(const char *path, int64_t samples, const char *second_name)
{
    TensorFile file = {0};
    Failure failure;
    const Array arrays[] = {{ARRAY_FLOAT32, 2, {samples, HIDDEN}, hidden}, {ARRAY_FLOAT32, 2, {samples, OUTPUTS}, last}};
    cr_assert(safetensors_add(&file, "hidden", &arrays[0], &failure) && safetensors_add(&file, second_name, &arrays[1], &failure), "%s", failure.text);
    cr_assert(safetensors_write(path, &file, &failure), "%s", failure.text);
    safetensors_free(&file);
}

static void begin(void)
{
    shell_enter();
    for (int n = 0; n < SAMPLES; n++)
        for (int i = 0; i < INPUTS; i++) x[n][i] = (float)((n * 7 + i * 4) % 9 - 4) / 2;
    write_array("x.npy", ARRAY_FLOAT32, 2, (const int64_t[]){SAMPLES, INPUTS}, x);
    write_weights("w", "", 0);
    write_elsewhere("there", SAMPLES, "last");
    shell_file("m.net", "model m\ninput(4)\nhidden = dense(3, activation=relu)\nlast = dense(2)\ncompile(sgd, mse)\n");
    shell_good("$CNNC m.net -o m --target=generic");
}

TestSuite(trainer_compare, .init = begin, .fini = shell_leave, .timeout = 120 * PATIENCE);

Test(trainer_compare, names_the_first_that_differs)
{
    shell_good("./m compare --weights w --activations there x.npy");
    shell_good("./m compare --weights w --activations there --x x.npy --tolerance 1e-5 | grep -q '^last '");
    write_weights("wrong", "hidden", 0.25F);
    shell_refused("hidden is the first layer that differs", "./m compare --weights wrong --activations there x.npy");
    write_weights("wrong", "last", 0.25F);
    shell_refused("last is the first layer that differs", "./m compare --weights wrong --activations there x.npy");
    shell_refused("hidden, before it, agrees", "./m compare --weights wrong --activations there x.npy");
    write_weights("wrong", "last", 1e-3F);
    shell_refused("last is the first layer that differs", "./m compare --weights wrong --activations there x.npy");
    shell_good("./m compare --weights wrong --activations there x.npy --tolerance 0.01");
    /* Where, and by how much. */
    float wrong[SAMPLES][OUTPUTS];
    memcpy(wrong, last, sizeof wrong);
    wrong[3][1] -= 2;
    shell_good("mkdir folder");
    write_array("folder/last.npy", ARRAY_FLOAT32, 2, (const int64_t[]){SAMPLES, OUTPUTS}, wrong);
    shell_refused("at [3, 1] the error is 2,", "./m compare --weights w --activations folder x.npy");
    cr_expect(strstr(shell("./m compare --weights w --activations $PWD/folder x.npy")->out, "hidden: not compared, as folder has no such layer"));
}

/* NaN is an error, but not beside NaN; so is infinity. */
Test(trainer_compare, numbers_that_are_not_finite)
{
    static const float values[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        write_weights("odd", "last", values[i]);
        shell_refused("one side is not finite", "./m compare --weights odd --activations there x.npy");
    }
    float kept = last[2][0];
    last[2][0] = NAN;
    write_elsewhere("odd_there", SAMPLES, "last");
    shell_refused("last is the first layer that differs: at [2, 0] one side is not finite", "./m compare --weights w --activations odd_there x.npy");
    for (int n = 0; n < SAMPLES; n++) last[n][1] = NAN; /* as a weight that is NaN makes them */
    last[2][0] = kept;
    write_elsewhere("odd_there", SAMPLES, "last");
    write_weights("odd", "last", NAN);
    shell_good("./m compare --weights odd --activations odd_there x.npy");
}

Test(trainer_compare, what_does_not_fit)
{
    shell_refused("--activations FILE is missing", "./m compare --weights w x.npy");
    shell_refused("--weights FILE is missing", "./m compare --activations there x.npy");
    shell_refused("which samples?", "./m compare --weights w --activations there");
    shell_refused("nowhere", "./m compare --weights w --activations nowhere x.npy");
    write_elsewhere("few", SAMPLES - 1, "last");
    shell_refused("few: hidden is float32 (4, 3), but the network gives (3,) for each of 5 samples", "./m compare --weights w --activations few x.npy");
    write_elsewhere("other", SAMPLES, "dense_9");
    cr_expect(strstr(shell("./m compare --weights w --activations other x.npy")->out, "dense_9: not compared, as the network gives nothing of that name"));
    shell_refused("no tensor is called like a layer of the network, such as hidden", "./m compare --weights w --activations w x.npy");
    shell_refused("--tolerance wants a number from 0 to below 1", "./m compare --weights w --activations there x.npy --tolerance 2");
}
