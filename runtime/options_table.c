/* The table of the command line, and what is made of it for readers: --help, and the trainer's part of docs/reference.md. */
#include "options.h"

#include <ctype.h>
#include <string.h>

enum {
    FIT = COMMAND_FIT,
    EVALUATE = COMMAND_EVALUATE,
    PREDICT = COMMAND_PREDICT,
    GRADIENTS = COMMAND_GRADIENTS,
    REPORT = COMMAND_REPORT,
    COMPARE = COMMAND_COMPARE,
    COMPUTING = FIT | EVALUATE | PREDICT | GRADIENTS | REPORT | COMPARE,
};

#define AT(member) offsetof(Options, member)
const Option option_table[] = {
    {"data",
     "DIR",
     FIT | EVALUATE | REPORT,
     OPTION_TEXT,
     AT(data),
     0,
     0,
     "folder of the four MNIST files, plain or .gz (else $MNIST_DIR, else data/mnist)"},
    {"x", "[NAME=]FILE", COMPUTING, OPTION_FILES, AT(x), 0, 0, "inputs: .npy or IDX, for several inputs one each"},
    {"y",
     "[NAME=]FILE",
     FIT | EVALUATE | GRADIENTS | REPORT,
     OPTION_FILES,
     AT(y),
     0,
     0,
     "targets: class numbers, one-hot rows, or rows of the output's shape"},
    {"sample-weight",
     "FILE",
     FIT | EVALUATE | GRADIENTS,
     OPTION_TEXT_OR_NONE,
     AT(sample_weight),
     0,
     0,
     "one weight for each sample"},
    {"class-weight",
     "{0: 3, ...}",
     FIT | GRADIENTS,
     OPTION_TEXT_OR_NONE,
     AT(class_weight),
     0,
     0,
     "weights of classes; others have 1"},
    {"weights",
     "FILE",
     COMPUTING,
     OPTION_TEXT,
     AT(weights),
     0,
     0,
     "safetensors to load; fit starts from it with a new optimiser"},
    {"output",
     "FILE",
     FIT | PREDICT | GRADIENTS | REPORT,
     OPTION_TEXT,
     AT(output),
     0,
     0,
     "also -o: where the result goes (fit: the weights)"},
    {"epochs", "N", FIT, OPTION_COUNT, AT(epochs), 1, MOST, "number of the last epoch"},
    {"initial-epoch", "N", FIT, OPTION_COUNT, AT(initial_epoch), 0, MOST, "epochs counted as done"},
    {"batch-size",
     "N",
     COMPUTING & ~(unsigned)(GRADIENTS | COMPARE),
     OPTION_COUNT,
     AT(batch_size),
     1,
     MOST,
     "samples of a step; not above the network's own"},
    {"steps-per-epoch",
     "N",
     FIT,
     OPTION_COUNT_OR_NONE,
     AT(steps_per_epoch),
     1,
     MOST,
     "steps of an epoch (else: once through the data)"},
    {"shuffle", "true|false|batch", FIT, OPTION_SHUFFLE, AT(shuffle), 0, 0, "the samples, or whole batches, before each epoch"},
    {"validation-split",
     "F",
     FIT,
     OPTION_FRACTION,
     AT(validation_split),
     0,
     0,
     "share of the data, from its end, kept to validate on"},
    {"validation-data",
     "DIR|test",
     FIT,
     OPTION_TEXT_OR_NONE,
     AT(validation_data),
     0,
     0,
     "validate on that folder's test set; test: the data folder's own"},
    {"validation-x", "[NAME=]FILE", FIT, OPTION_FILES, AT(validation_x), 0, 0, "validate on these inputs"},
    {"validation-y", "[NAME=]FILE", FIT, OPTION_FILES, AT(validation_y), 0, 0, "and these targets"},
    {"validation-steps", "N", FIT, OPTION_COUNT_OR_NONE, AT(validation_steps), 1, MOST, "batches to validate on (else: all)"},
    {"validation-batch-size",
     "N",
     FIT,
     OPTION_COUNT_OR_NONE,
     AT(validation_batch_size),
     1,
     MOST,
     "their size (else: the batch size)"},
    {"validation-freq", "N", FIT, OPTION_COUNT, AT(validation_freq), 1, MOST, "validate in every Nth epoch"},
    {"callbacks",
     "none|[...]",
     FIT,
     OPTION_TEXT,
     AT(callbacks),
     0,
     0,
     "instead of the network's own: '[early_stopping(patience=3), terminate_on_nan()]'"},
    {"checkpoint", "FILE", FIT, OPTION_TEXT, AT(checkpoint), 0, 0, "write the whole state there, after each epoch"},
    {"checkpoint-steps", "N", FIT, OPTION_COUNT, AT(checkpoint_steps), 1, MOST, "and after every N steps"},
    {"resume", "FILE", FIT, OPTION_TEXT, AT(resume), 0, 0, "go on from a checkpoint exactly where it was written"},
    {"history",
     "FILE",
     FIT | REPORT,
     OPTION_TEXT,
     AT(history),
     0,
     0,
     "loss and metrics of each epoch, as CSV: fit writes it, report draws it"},
    {"digit", "N", REPORT, OPTION_COUNT, AT(digit), 0, MOST, "the sample whose way through the layers is shown (else 0, the first)"},
    {"activations",
     "FILE|DIR",
     COMPARE,
     OPTION_TEXT,
     AT(activations),
     0,
     0,
     "what each layer gave elsewhere: safetensors, or a folder with LAYER.npy for each"},
    {"tolerance",
     "F",
     COMPARE,
     OPTION_FRACTION,
     AT(tolerance),
     0,
     0,
     "errors up to F times the layer's largest number are none (else 0.0001)"},
    {"steps", "N", EVALUATE | PREDICT, OPTION_COUNT, AT(steps), 1, MOST, "only the first N batches"},
    {"argmax", "", PREDICT, OPTION_FLAG, AT(argmax), 0, 0, "of each answer the place of its largest number: the class"},
    {"argmin", "", PREDICT, OPTION_FLAG, AT(argmin), 0, 0, "or that of its smallest"},
    {"show", "", PREDICT, OPTION_FLAG, AT(show), 0, 0, "draws each picture, in blocks"},
    {"seed", "N", FIT, OPTION_SEED, AT(seed), 0, 0, "of first weights, shuffling and dropout (else 0)"},
    {"threads", "N", COMPUTING, OPTION_COUNT, AT(threads), 1, 1024, "processor threads (else $OMP_NUM_THREADS, else all)"},
    {"verbose",
     "0|1|2|auto",
     FIT | EVALUATE | PREDICT,
     OPTION_COUNT_OR_AUTO,
     AT(verbose),
     0,
     2,
     "silent, a progress bar, one line an epoch; auto: the bar"},
};
const int option_count = sizeof option_table / sizeof *option_table;
_Static_assert(sizeof option_table / sizeof *option_table <= MAX_OPTIONS, "Options.given has a place for each");

const CommandRow command_table[] = {
    {"fit", COMMAND_FIT, "[--data DIR] [--output w.safetensors] [options]", "train"},
    {"evaluate",
     COMMAND_EVALUATE,
     "--weights w.safetensors [--data DIR] [options]",
     "loss, metrics and confusion matrix of a test set"},
    {"predict",
     COMMAND_PREDICT,
     "--weights w.safetensors digit.png ... | x.npy [-o y.npy]",
     "what the network says of pictures or arrays"},
    {"gradients",
     COMMAND_GRADIENTS,
     "--weights w.safetensors x.npy y.npy -o grads.safetensors",
     "the loss and its gradients of one batch, to compare"},
    {"report",
     COMMAND_REPORT,
     "--weights w.safetensors [--history history.csv] [--data DIR] -o report.html",
     "curves, errors, filters, feature maps, time and memory as one page for a browser"},
    {"compare",
     COMMAND_COMPARE,
     "--weights w.safetensors --activations keras.safetensors x.npy",
     "what each layer gives beside what it gave in Keras or PyTorch: the first that differs"},
    {"summary", COMMAND_SUMMARY, "", "the layers, their shapes and parameters"},
};
const int command_count = sizeof command_table / sizeof *command_table;
_Static_assert(sizeof command_table / sizeof *command_table <= MAX_COMMANDS, "there is room for their names");

void options_help(const CnncModel *model, const Options *options, FILE *stream)
{
    if (!options->command) {
        fprintf(stream, "%s: a neural network, compiled by cnnc\n\n", model->name);
        for (int i = 0; i < command_count; i++) {
            fprintf(stream,
                    "    %s %s%s%s\n        %s\n",
                    model->name,
                    command_table[i].name,
                    *command_table[i].usage ? " " : "",
                    command_table[i].usage,
                    command_table[i].help);
        }
        fprintf(stream, "\n%s COMMAND --help lists a command's options.\n", model->name);
        return;
    }
    for (int i = 0; i < command_count; i++) {
        if (command_table[i].command == options->command) {
            fprintf(stream,
                    "%s %s%s%s\n    %s\n\n",
                    model->name,
                    command_table[i].name,
                    *command_table[i].usage ? " " : "",
                    command_table[i].usage,
                    command_table[i].help);
        }
    }
    for (int i = 0; i < option_count; i++) {
        if (!(option_table[i].commands & options->command)) continue;
        char flag[64];
        snprintf(flag, sizeof flag, "--%s%s%s", option_table[i].name, *option_table[i].value ? " " : "", option_table[i].value);
        fprintf(stream, "  %-32s %s\n", flag, option_table[i].help);
    }
    fprintf(stream, "  %-32s %s\n", "--help", "this text");
    if (options->command != COMMAND_FIT) return;
    fprintf(stream, "\nThe network's own fit(), which flags override:");
    for (const CnncArgument *argument = model->fit; argument && argument->name; argument++) {
        if (argument->value && strcmp(argument->value, "none")) fprintf(stream, " %s=%s", argument->name, argument->value);
    }
    fputc('\n', stream);
}

/* A cell of a Markdown table: bars would end it. */
static void print_cell(FILE *stream, const char *text)
{
    for (; *text; text++) fprintf(stream, *text == '|' ? "\\|" : "%c", *text);
}

void cnnc_manual(FILE *stream)
{
    fputs("## The trainer\n\n`cnnc model.net -o trainer` makes a program with these commands (docs/trainer.md tells more of "
          "them).\n\n",
          stream);
    for (int c = 0; c < command_count; c++) {
        const CommandRow *command = &command_table[c];
        fprintf(
            stream, "### trainer %s\n\n%c%s.\n\n", command->name, toupper((unsigned char)command->help[0]), command->help + 1);
        fprintf(stream, "    trainer %s%s%s\n\n", command->name, *command->usage ? " " : "", command->usage);
        bool first = true;
        for (int i = 0; i < option_count; i++) {
            const Option *option = &option_table[i];
            if (!(option->commands & command->command)) continue;
            if (first) fputs("| flag | |\n|---|---|\n", stream);
            first = false;
            fprintf(stream, "| `--%s%s", option->name, *option->value ? " " : "");
            print_cell(stream, option->value);
            fputs("` | ", stream);
            print_cell(stream, option->help);
            fputs(" |\n", stream);
        }
        if (!first) fputc('\n', stream);
    }
}

void cnnc_roff(FILE *stream, const char *text)
{
    bool begins = true;
    for (; *text; text++) {
        if (begins && (*text == '.' || *text == '\'')) fputs("\\&", stream);
        begins = *text == '\n';
        if (*text == '\\') fputs("\\e", stream);
        else if (*text == '-') fputs("\\-", stream);
        else fputc(*text, stream);
    }
}

void cnnc_man_page(FILE *stream)
{
    fputs(".TH CNNC\\-TRAINER 1 \"\" cnnc\n.SH NAME\ncnnc\\-trainer \\- the programs that cnnc makes of networks: train, evaluate, predict\n"
          ".SH SYNOPSIS\n.nf\n",
          stream);
    for (int c = 0; c < command_count; c++) {
        fprintf(stream, ".B ./trainer %s\n", command_table[c].name);
        if (*command_table[c].usage) fputs("    ", stream), cnnc_roff(stream, command_table[c].usage), fputc('\n', stream);
    }
    fputs(".fi\n.SH DESCRIPTION\n.B cnnc model.net \\-o trainer\nmakes a program of a network that has a compile(). What the network\\(aqs fit() "
          "says are the defaults; flags override them.\n",
          stream);
    for (int c = 0; c < command_count; c++) {
        const CommandRow *command = &command_table[c];
        fprintf(stream, ".SH %s\n%c%s.\n", command->name, toupper((unsigned char)command->help[0]), command->help + 1);
        for (int i = 0; i < option_count; i++) {
            const Option *option = &option_table[i];
            if (!(option->commands & command->command)) continue;
            fputs(".TP\n.BI \\-\\-", stream);
            cnnc_roff(stream, option->name);
            if (*option->value) {
                fputs(" \"\\ ", stream);
                cnnc_roff(stream, option->value);
                fputc('"', stream);
            }
            fputc('\n', stream);
            cnnc_roff(stream, option->help);
            fputc('\n', stream);
        }
    }
    fputs(".SH SEE ALSO\n.BR cnnc (1)\n", stream);
}
