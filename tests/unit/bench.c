/* The program that `make bench` times: it is compiled with an emitted network, infers and trains. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(bench, .init = shell_enter, .fini = shell_leave, .timeout = 120 * PATIENCE);

Test(bench, driver_times_inference_and_training)
{
    shell_good("\"$CNNC\" \"$ROOT/examples/mlp/mlp.net\" -o mlp.c --batch=128 --target=generic");
    shell_good("$CC -std=gnu11 -O1 -Wall -Wextra -Werror -DMODEL=mlp -DMODEL_UPPER=MLP -DTRAINING -I. \"$ROOT/bench/driver.c\" mlp.c -o driver -lm");
    shell_good("head -c $((4 * 407050)) /dev/zero > weights && head -c $((4 * 128 * 784)) /dev/zero > input && head -c $((4 * 128 * 10)) /dev/zero > target");
    static const char *const works[] = {"infer 1", "infer 128", "step 128"};
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        const Shell *said = shell("./driver %s 0 weights input target output", works[i]);
        double seconds = 0;
        cr_expect(said->status == 0 && sscanf(said->out, "{\"seconds\": %lf", &seconds) == 1 && seconds > 0, "%s: status %d\n%s%s", works[i], said->status, said->out, said->err);
        shell_good("test $(wc -c < output) = $((4 * 128 * 10))");
    }
    shell_refused("another size", "./driver infer 1 0 target input target output");
}
