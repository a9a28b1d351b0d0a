/* The program that cnnc's output becomes: the lecture's four calls as sub-commands. */
#include "trainer.h"

#include <stdio.h>
#include <string.h>

static void set_threads(const Options *options)
{
    if (options->threads && !threads_set(options->threads))
        fprintf(stderr, "%s: warning: compiled without -fopenmp: --threads has no effect\n", options->program);
}

static int run(const CnncModel *model, Options *options, Failure *failure)
{
    switch (options->command) {
    case COMMAND_FIT: return fit_command(model, options, failure);
    case COMMAND_EVALUATE: return evaluate_command(model, options, failure);
    case COMMAND_PREDICT: return predict_command(model, options, failure);
    case COMMAND_GRADIENTS: return gradients_command(model, options, failure);
    case COMMAND_REPORT: return report_command(model, options, failure);
    case COMMAND_COMPARE: return compare_command(model, options, failure);
    case COMMAND_SUMMARY: fputs(model->summary, stdout); return 0;
    }
    return 1;
}

int cnnc_main(const CnncModel *model, int argc, char **argv)
{
    Failure failure = {""};
    Options options = {0};
    int status = 1;
    if (model->runtime_version != CNNC_RUNTIME_VERSION) {
        fail(&failure,
             "the network's code is of runtime version %d, but was linked with version %d: compile it again",
             model->runtime_version,
             CNNC_RUNTIME_VERSION);
    } else if (argc < 2) {
        options_help(model, &options, stderr);
    } else if (options_read(&options, model, argc, argv, &failure)) {
        if (options.help) {
            options_help(model, &options, stdout);
            status = 0;
        } else {
            set_threads(&options);
            status = run(model, &options, &failure);
        }
    }
    options_free(&options);
    /* Output that could not be written (a full disk behind a pipe) is a failure too. */
    bool lost = fflush(stdout) || ferror(stdout);
    if (status != 0 && *failure.text) {
        fprintf(stderr, "%s: error: %s\n", model->name, failure.text);
    } else if (lost && status == 0) {
        fprintf(stderr, "%s: error: the output could not be written\n", model->name);
        status = 1;
    }
    return status;
}
