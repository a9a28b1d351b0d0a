/* Each argument of fit() in model.net against the trainer's flag for it, and what cnnc says of nonsensical ones. */
#include "drive.h"
#include "patience.h"
#include "shell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void begin(void)
{
    shell_enter();
    enum { SAMPLES = 40 };
    static float x[SAMPLES][4], weight[SAMPLES], other[SAMPLES][3];
    static int64_t y[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        for (int k = 0; k < 4; k++) x[i][k] = (float)((7 * i + 3 * k * k) % 11 - 5) / 5;
        for (int k = 0; k < 3; k++) other[i][k] = (float)((5 * i + k) % 7) / 7;
        y[i] = (i + i / 4) % 3;
        weight[i] = (float)(i % 4) / 2;
    }
    write_array("x.npy", ARRAY_FLOAT32, 2, (const int64_t[]){SAMPLES, 4}, x);
    write_array("b.npy", ARRAY_FLOAT32, 2, (const int64_t[]){SAMPLES, 3}, other);
    write_array("y.npy", ARRAY_INT64, 1, (const int64_t[]){SAMPLES}, y);
    write_array("w.npy", ARRAY_FLOAT32, 1, (const int64_t[]){SAMPLES}, weight);
    write_array("vx.npy", ARRAY_FLOAT32, 2, (const int64_t[]){10, 4}, x[3]);
    write_array("vy.npy", ARRAY_INT64, 1, (const int64_t[]){10}, y + 3);
}

TestSuite(trainer_arguments, .init = begin, .fini = shell_leave);

#define NETWORK                                                                                                                \
    "model m\ninput(4)\ndense(3, activation=softmax)\n"                                                                        \
    "compile(optimizer=sgd(learning_rate=0.1), loss=categorical_crossentropy, metrics=[accuracy])\n"

/* Makes a trainer of a network with that fit(...). */
static void make_trainer(const char *name, const char *fit)
{
    char text[1024];
    snprintf(text, sizeof text, NETWORK "fit(%s)\n", fit);
    shell_file("m.net", text);
    shell_good("CFLAGS=\"$QUICK\" $CNNC m.net -o %s", name);
}

Test(trainer_arguments, in_the_file_and_as_flags, .timeout = 300 * PATIENCE)
{
    static const struct {
        const char *in_file, *flags;
    } cases[] = {
        {"x=\"x.npy\", y=[\"y.npy\"], sample_weight=\"w.npy\", epochs=2, batch_size=8, validation_split=0.25, "
         "validation_freq=2",
         "--x x.npy --y y.npy --sample-weight w.npy --epochs 2 --batch-size 8 --validation-split 0.25 --validation-freq 2"},
        {"x=\"x.npy\", y=\"y.npy\", validation_x=\"vx.npy\", validation_y=\"vy.npy\", class_weight={0: 3, 2: 1/2}, epochs=3, "
         "shuffle=batch, batch_size=8, validation_batch_size=4, validation_steps=2, initial_epoch=1, steps_per_epoch=4, "
         "seed=3, "
         "verbose=2, callbacks=[learning_rate_scheduler({0: 0.1, 2: 1/20}, verbose=1), reduce_lr_on_plateau(loss, patience=1)]",
         "--x x.npy --y y.npy --validation-x vx.npy --validation-y vy.npy --class-weight '{2: 0.5, 0: 3}' --epochs 3 "
         "--shuffle batch --batch-size 8 --validation-batch-size 4 --validation-steps 2 --initial-epoch 1 --steps-per-epoch 4 "
         "--seed 3 --verbose 2 --callbacks "
         "'[learning_rate_scheduler({0: 0.1, 2: 0.05}, verbose=1), reduce_lr_on_plateau(loss, patience=1)]'"},
        {"x=\"x.npy\", y=\"y.npy\", shuffle=false, batch_size=7, verbose=auto",
         "--x x.npy --y y.npy --shuffle false --batch-size 7"},
    };
    make_trainer("plain", "batch_size=32");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_trainer("own", cases[i].in_file);
        shell_good("./own fit --history own.csv -o own.st > own.txt");
        shell_good("./plain fit %s --history plain.csv -o plain.st > plain.txt", cases[i].flags);
        shell_good("cmp own.csv plain.csv && cmp own.st plain.st");
        shell_good("sed -E -i 's#[0-9.]+ ?[um]?s(/step| |,|$)#time\\1#g; s/own.st/plain.st/' own.txt plain.txt; diff own.txt "
                   "plain.txt");
        /* Flags override, and none takes back. */
        shell_good("./own fit --x vx.npy --y vy.npy --validation-split 0.2 --class-weight none --steps-per-epoch none "
                   "--validation-steps none --callbacks none --epochs 2 --initial-epoch 0 --validation-freq 1 --shuffle true "
                   "--seed 1 --batch-size 4 --validation-batch-size none --history own.csv");
        shell_good(
            "./plain fit --x vx.npy --y vy.npy --validation-split 0.2 --epochs 2 --seed 1 --batch-size 4 --history plain.csv");
        shell_good("cmp own.csv plain.csv");
    }
}

Test(trainer_arguments, several_inputs, .timeout = 120 * PATIENCE)
{
    shell_file("m.net",
               "model m\na = input(4)\nb = input(3)\nconcatenate()(a, b)\ndense(3, activation=softmax)\n"
               "compile(sgd, categorical_crossentropy)\nfit(x=[\"x.npy\", \"b.npy\"], y=\"y.npy\", shuffle=false)\n");
    shell_good("CFLAGS=\"$QUICK\" $CNNC m.net -o own");
    shell_good("./own fit -o a.st && ./own fit --x b=b.npy --x a=x.npy --y y.npy -o b.st && cmp a.st b.st");
    shell_refused("b=FILE is missing", "./own fit --x a=x.npy --y y.npy");
}

Test(trainer_arguments, a_schedule_of_epochs, .timeout = 120 * PATIENCE)
{
    make_trainer("own",
                 "x=\"x.npy\", y=\"y.npy\", epochs=3, callbacks=[learning_rate_scheduler(exponential_decay(0.1, 2, 0.25), verbose=1)]");
    const Shell *run = shell("./own fit --history h.csv && cut -d, -f3 h.csv | tr '\\n' ' '");
    cr_expect(strstr(run->out, "Epoch 2: LearningRateScheduler setting learning rate to 0.05"), "%s%s", run->out, run->err);
    double rates[3] = {0};
    const char *column = strstr(run->out, "learning_rate 0");
    cr_assert(column && sscanf(column, "learning_rate %lf %lf %lf", &rates[0], &rates[1], &rates[2]) == 3, "%s", run->out);
    for (int i = 0; i < 3; i++) EXPECT_NEAR(rates[i], 0.1 * pow(0.5, i), 1e-8);
    shell_refused("schedules such as exponential_decay are for the fit() of the network's file",
                  "./own fit --callbacks 'learning_rate_scheduler(exponential_decay(0.1, 2, 0.25))'");
    shell_file("s.net",
               "model s\ninput(4)\ndense(3, activation=softmax)\n"
               "compile(optimizer=sgd(learning_rate=exponential_decay(0.1, 2, 0.25)), loss=categorical_crossentropy)\n");
    shell_good("CFLAGS=\"$QUICK\" $CNNC s.net -o s");
    shell_refused("that of the optimiser is a schedule",
                  "./s fit --x x.npy --y y.npy --callbacks 'reduce_lr_on_plateau(loss)'");
}

/* Whatever the loss: the class is the place of the row's largest number, or a lone number, rounded. So it is in Keras. */
Test(trainer_arguments, class_weights_with_any_loss, .timeout = 120 * PATIENCE)
{
    enum { SAMPLES = 40 };
    static float rows[SAMPLES][3], numbers[SAMPLES], of_rows[SAMPLES], of_numbers[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        int largest = 0;
        for (int k = 0; k < 3; k++) {
            rows[i][k] = (float)((5 * i + 3 * k * k) % 13 - 6) / 5;
            if (rows[i][k] > rows[i][largest]) largest = k;
        }
        numbers[i] = (float)(i % 9) * 0.75F - 1; /* -1 to 5 */
        of_rows[i] = largest == 0 ? 3 : largest == 2 ? 0.5F : 1;
        of_numbers[i] = rintf(numbers[i]) == 0 ? 3 : rintf(numbers[i]) == 2 ? 0.5F : 1;
    }
    write_array("rows.npy", ARRAY_FLOAT32, 2, (const int64_t[]){SAMPLES, 3}, rows);
    write_array("numbers.npy", ARRAY_FLOAT32, 1, (const int64_t[]){SAMPLES}, numbers);
    write_array("of_rows.npy", ARRAY_FLOAT32, 1, (const int64_t[]){SAMPLES}, of_rows);
    write_array("of_numbers.npy", ARRAY_FLOAT32, 1, (const int64_t[]){SAMPLES}, of_numbers);
    for (int units = 1; units <= 3; units += 2) {
        const char *targets = units == 1 ? "numbers" : "rows";
        char text[256];
        snprintf(text, sizeof text, "model m\ninput(4)\ndense(%d)\ncompile(sgd, mse)\nfit(batch_size=8, class_weight={0: 3, 2: 0.5})\n", units);
        shell_file("m.net", text);
        shell_good("CFLAGS=\"$QUICK\" $CNNC m.net -o m");
        shell_good("./m fit --x x.npy --y %s.npy -o a.st && ./m fit --x x.npy --y %s.npy --class-weight none --sample-weight of_%s.npy -o b.st && cmp a.st b.st", targets, targets, targets);
        shell_good("./m fit --x x.npy --y %s.npy --class-weight none -o c.st && ! cmp -s a.st c.st", targets);
    }
}

Test(trainer_arguments, a_validation_that_is_none, .timeout = 120 * PATIENCE)
{
    make_trainer("own", "x=\"x.npy\", y=\"y.npy\", validation_steps=2");
    const Shell *run = shell("./own fit --verbose 0");
    cr_expect(run->status == 0 && !*run->err, "what the file says is no matter of the flags: %s", run->err);
    run = shell("./own fit --verbose 0 --validation-steps 1 --validation-freq 2");
    cr_expect(run->status == 0 && strstr(run->err, "warning: --validation-steps does nothing: there is no validation data\n") && strstr(run->err, "--validation-freq"), "%s", run->err);
    run = shell("./own fit --verbose 0 --validation-steps 1 --validation-split 0.5");
    cr_expect(run->status == 0 && !*run->err, "%s", run->err);
}

/* What model_checkpoint writes is good for all that takes weights. */
Test(trainer_arguments, a_whole_state_as_weights, .timeout = 120 * PATIENCE)
{
    make_trainer("own",
                 "x=\"x.npy\", y=\"y.npy\", epochs=3, callbacks=[model_checkpoint(\"whole.st\"), "
                 "model_checkpoint(\"weights.st\", save_weights_only=true), early_stopping(loss, restore_best_weights=true)]");
    shell_good("./own fit && ./own predict --weights whole.st x.npy -o a.npy && ./own predict --weights weights.st x.npy -o b.npy");
    shell_good("cmp a.npy b.npy");
    shell_good("$CNNC --emit=inference --weights=whole.st m.net -o a.c && $CNNC --emit=inference --weights=weights.st m.net -o b.c");
    shell_good("sed '/^.. m, /d; s/whole.st/weights.st/; s/ a\\.c/ b.c/; s/a\\.h/b.h/' a.c > c.c; sed '/^.. m, /d' b.c > d.c; cmp c.c d.c");
}

Test(trainer_arguments, nonsense)
{
    static const struct {
        const char *fit, *message;
    } cases[] = {
        {"class_weight={0: 2, 3: 1}", "m.net:5:25: error: there is no class 3; the network has 3, counted from 0"},
        {"class_weight={0: 2, 0: 1}", "0 stands twice in `class_weight` of fit"},
        {"class_weight=[1, 2]", "`class_weight` of fit must be a map such as {0: 3, 7: 0.5}, or `none`"},
        {"x=[\"a\", \"b\"]", "`x` of fit names 2 files, but the network has 1 input"},
        {"validation_split=1", "must be at least 0 and below 1"},
        {"shuffle=batches", "did you mean `batch`?"},
        {"validation_data=tests", "did you mean `test`?"},
        {"verbose=3", "`verbose` of fit must be at least 0 and at most 2"},
        {"validation_freq=0", "`validation_freq` of fit must be at least 1"},
        {"steps_per_epoch=0", "`steps_per_epoch` of fit must be at least 1"},
        {"validation_batch_size=0.5", "must be a whole number"},
        {"callbacks=[reduce_lr_on_plateau(factor=1)]", "`factor` of reduce_lr_on_plateau must be at least 0 and below 1"},
        {"callbacks=[reduce_lr_on_plateau(cooldown=-1)]", "`cooldown` of reduce_lr_on_plateau must be at least 0"},
        {"callbacks=[learning_rate_scheduler({0: -1})]", "`schedule` of learning_rate_scheduler must be at least 0"},
        {"callbacks=[early_stopping(monitor=val_acuracy)]", "there is no `val_acuracy` to monitor; did you mean `val_accuracy`?"},
        {"callbacks=[learning_rate_scheduler()]", "learning_rate_scheduler needs `schedule`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, NETWORK "fit(%s)\n", cases[i].fit);
        shell_file("m.net", text);
        shell_refused(cases[i].message, "$CNNC m.net -o m.c");
    }
    static const char *const networks[][2] = {
        {"a = input(4)\nb = dense(3)(a)\nc = dense(3)(a)\noutputs(b, c)\ncompile(sgd, mse)", "`class_weight` is for networks with one output"},
        {"input(5, 4)\ndense(3)\ncompile(sgd, mse)", "whose targets name one class for each sample"},
        {"a = input(4)\ndense(4)\ncompile(sgd, mse, target_tensors=a)", "whose targets name one class for each sample"},
        {"input(4)\ndense(1)\ncompile(sgd, binary_crossentropy)", "there is no class 2; the network has 2, counted from 0"},
    };
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        char text[512];
        snprintf(text, sizeof text, "model m\n%s\nfit(class_weight={2: 2})\n", networks[i][0]);
        shell_file("m.net", text);
        shell_refused(networks[i][1], "$CNNC m.net -o m.c");
    }
}
