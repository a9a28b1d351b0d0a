/* The command line of cnnc. */
#include "command_line.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void command_error(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fputs("cnnc: error: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    exit(1);
}

static const char usage[] =
    "cnnc " CNNC_VERSION ": from a description of a neural network to C\n"
    "\n"
    "  cnnc model.net -o model.c                   model.c and model.h: inference, and training where there is a compile()\n"
    "  cnnc model.net -o model.c --emit=inference  only inference; --weights=FILE puts trained weights into it\n"
    "  cnnc model.net -o trainer                   a program that trains, evaluates and predicts\n"
    "  cnnc --summary model.net                    layers, shapes, parameters, multiply-adds, bytes\n"
    "  cnnc --summary=kernels model.net            the kernels: tiles, predicted cycles, share of peak, and why so\n"
    "  cnnc --tune model.net [-o model.plan]       measures kernels on this machine, some minutes; --plan=FILE uses the result\n"
    "  cnnc --dump=PASS model.net                  the graph after a pass: ast layers graph ... (docs/how-it-works.md)\n"
    "  cnnc --help NAME                            a layer, optimizer, loss, ...: what it does and its parameters\n"
    "  cnnc --version\n"
    "\n"
    "  -o FILE                  where to write; - is standard output, for the text of model.c with its header inlined\n"
    "  -D NAME=VALUE            overrides a let\n"
    "  --emit=all|inference|trainer   trainer: the table that makes a trainer of model.c and the runtime\n"
    "  --weights=FILE           trained weights (safetensors) to put into inference code\n"
    "  --target=NAME            x86-64 (levels v4, v3, base, chosen at run time), x86-64-v4, -v3, -v2,\n"
    "                           aarch64, native, generic\n"
    "  --unroll=auto|full|none  full: inference as straight-line code, for small networks\n"
    "  --gemm=generated|openblas  whose matrix products a trainer uses\n"
    "  --plan=FILE              choices of kernels that --tune wrote\n"
    "  --math=default|strict    strict: no Winograd convolution, whose rounding errors are some times larger\n"
    "  --batch=N                the batch size, instead of fit()'s\n"
    "  --threads=N              threads of the emitted code; without it as many as OpenMP finds\n"
    "  -MD                      also writes what the output depends on, for make\n"
    "\n"
    "CC and CFLAGS name the C compiler and its options, for a trainer and for --tune.\n";

static bool whole_number(const char *text, int64_t least, int64_t most, int64_t *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    *value = number;
    return *text && !*end && !errno && number >= least && number <= most;
}

/* name=value: both parts there, the name a name, the value a number. */
static void add_definition(Options *o, const char *text)
{
    const char *equals = strchr(text, '=');
    char *end = NULL;
    if (!equals || equals == text) command_error("-D %s: expected NAME=VALUE, as in -D classes=26", text);
    double value = strtod(equals + 1, &end);
    if (!equals[1] || *end || !isfinite(value)) command_error("-D %s: `%s` is not a number", text, equals + 1);
    Definition *longer = NEW_ARRAY(Definition, o->definition_count + 1);
    if (o->definition_count) memcpy(longer, o->definitions, sizeof *longer * (size_t)o->definition_count);
    longer[o->definition_count++] = (Definition){.name = memory_copy(text, (size_t)(equals - text)), .value = value};
    o->definitions = longer;
}

static int choice(const char *option, const char *text, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(words[i], text)) return i;
    Text list = {0};
    for (int i = 0; words[i]; i++) text_add(&list, "%s%s", i ? ", " : "", words[i]);
    command_error("--%s=%s: expected one of %s", option, text, list.data);
}

/* --help NAME: the row of every table that has that name. */
static void print_entry(const char *name)
{
    bool found = false;
    const char *names[1024];
    int count = 0;
    for (int t = 0; all_tables[t]; t++) {
        for (int i = 0; i < all_tables[t]->count && count < 1024; i++) names[count++] = all_tables[t]->entries[i]->name;
        const Entry *entry = table_find(all_tables[t], name);
        if (!entry) continue;
        print_help(stdout, all_tables[t], entry);
        found = true;
    }
    if (found) return;
    const char *closest = diagnostics_closest(name, names, count);
    command_error("nothing is called %s%s%s%s", name, closest ? "; did you mean " : "", closest ? closest : "", closest ? "?" : "");
}

enum { OPTION_EMIT = 256, OPTION_WEIGHTS, OPTION_TARGET, OPTION_UNROLL, OPTION_GEMM, OPTION_MATH, OPTION_BATCH, OPTION_THREADS, OPTION_PLAN, OPTION_TUNE, OPTION_SUMMARY, OPTION_DUMP, OPTION_HELP, OPTION_MANUAL, OPTION_VERSION };

static const struct option long_options[] = {
    {"emit", required_argument, NULL, OPTION_EMIT},
    {"weights", required_argument, NULL, OPTION_WEIGHTS},
    {"target", required_argument, NULL, OPTION_TARGET},
    {"unroll", required_argument, NULL, OPTION_UNROLL},
    {"gemm", required_argument, NULL, OPTION_GEMM},
    {"math", required_argument, NULL, OPTION_MATH},
    {"batch", required_argument, NULL, OPTION_BATCH},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"plan", required_argument, NULL, OPTION_PLAN},
    {"tune", no_argument, NULL, OPTION_TUNE},
    {"summary", optional_argument, NULL, OPTION_SUMMARY},
    {"dump", required_argument, NULL, OPTION_DUMP},
    {"help", no_argument, NULL, OPTION_HELP},
    {"manual", no_argument, NULL, OPTION_MANUAL}, /* for `make reference` */
    {"version", no_argument, NULL, OPTION_VERSION},
    {"output", required_argument, NULL, 'o'},
    {0},
};

static const char *const emits[] = {"all", "inference", "trainer", NULL}, *const unrolls[] = {"auto", "full", "none", NULL},
                                *const gemms[] = {"generated", "openblas", NULL}, *const maths[] = {"default", "strict", NULL},
                                *const summaries[] = {"layers", "kernels", NULL};

/* Options that change the output are repeated in its banner. */
static void note_option(Text *command, const char *format, const char *value)
{
    const char *slash = strrchr(value, '/');
    text_add(command, format, slash ? slash + 1 : value);
}

void command_line_read(Options *o, int argc, char **argv)
{
    *o = (Options){.target = target_find("x86-64")};
    bool help = false;
    Text changes = {0};
    text_add(&changes, "%s", "");
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":o:D:M:h", long_options, NULL)) != -1;) {
        switch (c) {
        case 'o': o->output = optarg; break;
        case 'h':
        case OPTION_HELP: help = true; break;
        case OPTION_MANUAL: print_manual(stdout); exit(0);
        case OPTION_VERSION: printf("cnnc " CNNC_VERSION "\n"); exit(0);
        case 'D':
            add_definition(o, optarg);
            text_add(&changes, " -D %s", optarg);
            break;
        case 'M':
            if (strcmp(optarg, "D")) command_error("unknown option -M%s; run `cnnc --help`", optarg);
            o->dependencies = true;
            break;
        case OPTION_EMIT:
            o->emit = (Emission)choice("emit", optarg, emits);
            note_option(&changes, " --emit=%s", optarg);
            break;
        case OPTION_WEIGHTS:
            o->weights = optarg;
            note_option(&changes, " --weights=%s", optarg);
            break;
        case OPTION_TARGET:
            o->target = target_find(optarg);
            if (!o->target) command_error("--target=%s: expected one of %s", optarg, target_names());
            text_add(&changes, " --target=%s", o->target->name);
            break;
        case OPTION_UNROLL:
            o->code.unroll_full = choice("unroll", optarg, unrolls) == 1;
            if (o->code.unroll_full) text_add(&changes, " --unroll=full");
            break;
        case OPTION_GEMM:
            o->code.openblas = choice("gemm", optarg, gemms) == 1;
            if (o->code.openblas) text_add(&changes, " --gemm=openblas");
            break;
        case OPTION_MATH:
            o->code.strict = choice("math", optarg, maths) == 1;
            if (o->code.strict) text_add(&changes, " --math=strict");
            break;
        case OPTION_BATCH:
            if (!whole_number(optarg, 1, MAX_SIZE, &o->batch)) command_error("--batch=%s: expected a whole number from 1", optarg);
            text_add(&changes, " --batch=%lld", (long long)o->batch);
            break;
        case OPTION_THREADS: {
            int64_t threads;
            if (!whole_number(optarg, 1, 1024, &threads)) command_error("--threads=%s: expected a whole number from 1 to 1024", optarg);
            o->code.threads = (int)threads;
            text_add(&changes, " --threads=%lld", (long long)threads);
            break;
        }
        case OPTION_PLAN:
            o->plan = optarg;
            note_option(&changes, " --plan=%s", optarg);
            break;
        case OPTION_TUNE: o->tune = true; break;
        case OPTION_SUMMARY:
            if (optarg && choice("summary", optarg, summaries) == 1) o->kernels = true;
            else o->summary = true;
            break;
        case OPTION_DUMP:
            choice("dump", optarg, compile_passes);
            o->dump = optarg;
            break;
        case ':': command_error("%s needs a value; run `cnnc --help`", argv[optind - 1]);
        default: command_error("unknown option %s; run `cnnc --help`", argv[optind - 1]);
        }
    }
    if (help) {
        if (optind < argc) print_entry(argv[optind]);
        else {
            fputs(usage, stdout);
            print_index(stdout);
        }
        exit(0);
    }
    if (optind == argc) {
        if (argc > 1) command_error("no input file; run `cnnc --help`");
        fputs(usage, stderr);
        exit(1);
    }
    if (optind + 1 < argc) command_error("more than one input file: %s and %s", argv[optind], argv[optind + 1]);
    o->input = argv[optind];
    o->changes = changes.data;
    if (o->code.openblas && o->emit == EMIT_INFERENCE) command_error("--gemm=openblas is for trainers: inference code depends on nothing but libc and libm");
    if (o->weights && o->emit != EMIT_INFERENCE) command_error("--weights goes with --emit=inference");
    if (o->tune && o->plan) command_error("--tune makes a plan; it cannot follow --plan=%s", o->plan);
    if (o->tune && (o->weights || o->emit == EMIT_TRAINER)) command_error("--tune writes a plan and no code: leave --weights and --emit=trainer out");
    if (o->tune && !o->output && !strcmp(o->input, "-")) command_error("where should the plan go? Add -o %s", "model.plan");
    if (!o->output && !o->summary && !o->kernels && !o->tune && !o->dump) command_error("where should it go? Add -o %s, or --summary", "model.c");
}
