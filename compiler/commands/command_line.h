/* What the command line of cnnc says. */
#ifndef CNNC_COMMAND_LINE_H
#define CNNC_COMMAND_LINE_H

#include "cnnc.h"
#include "runtime.h"

#include <getopt.h>

typedef enum { EMIT_ALL, EMIT_INFERENCE, EMIT_TRAINER } Emission;

typedef struct {
    const char *input, *output; /* "-": standard input and output */
    const char *weights;        /* NULL: none */
    const char *dump;           /* a pass, or NULL */
    const char *plan;           /* of kernels; NULL: none */
    bool summary, kernels, tune, selftest, dependencies;
    Emission emit;
    WeightsForm weights_as;
    const Target *target;
    EmitOptions code;
    int64_t batch; /* 0: as fit() says */
    int64_t ram, flash; /* 0: no limit */
    Definition *definitions;
    int definition_count;
    const char *changes; /* the options that change the output, as text */
} Options;

_Noreturn void command_error(const char *format, ...) __attribute__((format(printf, 1, 2))); /* exit status 1 */
void command_line_read(Options *, int argc, char **argv); /* exits after --help, --version and errors */

/* usage.c: the options as a table, and what readers and shells get of it. */
enum { OPTION_EMIT = 256, OPTION_WEIGHTS, OPTION_WEIGHTS_AS, OPTION_TARGET, OPTION_UNROLL, OPTION_GEMM, OPTION_MATH, OPTION_BATCH, OPTION_THREADS, OPTION_PAUSES, OPTION_PLAN, OPTION_RAM, OPTION_FLASH, OPTION_TUNE, OPTION_SELFTEST, OPTION_SUMMARY, OPTION_DUMP, OPTION_MANUAL, OPTION_VERSION };
enum { MOST_OPTIONS = 32 };
extern const char *const emit_words[], *const weights_as_words[], *const unroll_words[], *const gemm_words[], *const math_words[], *const summary_words[];
void command_options_for_getopt(struct option[MOST_OPTIONS + 1]);
void print_usage(FILE *);
void print_first_steps(FILE *); /* for who calls cnnc without arguments */
void print_man_page(FILE *); /* cnnc(1) */
void print_bash_completion(FILE *);
void print_zsh_completion(FILE *);

/* editors.c: syntax files */
void print_vim_syntax(FILE *);
void print_vscode_grammar(FILE *);

/* examples.c: a network that has the row, or the last lines of one: `before` are those before. NULL: there is none. */
const char *example_of(const Table *, const Entry *, const char **before);

/* help.c: a row of a table; the names of all rows; the reference manual, in Markdown */
void print_help(FILE *, const Table *, const Entry *);
void print_index(FILE *);
void print_manual(FILE *);

/* limits.c: --ram and --flash; false after it said what does not fit. */
bool limits_hold(const Options *, const CompileInput *, const Generation *);

/* build.c: what becomes of the texts. */
const char *text_of_input(const char *path, size_t *length);
typedef struct { const char *path, *text; size_t length; /* 0: up to its zero */ } OutputText;
enum { MOST_OUTPUTS = 4 };
/* All of them, at most MOST_OUTPUTS, or none: no file changes before all are complete beside their places. */
bool write_texts(const OutputText *, int count, Failure *);
void check_output_place(const char *path); /* can a file be put there? Found out before long work is done */
void build_trainer(const Options *, const Generation *); /* calls the C compiler */
const char *build_and_run(const char *source); /* what the program prints that this text makes; NULL where its alarm ended it */
const float *const *read_weights(const char *path, const Graph *);

#endif
