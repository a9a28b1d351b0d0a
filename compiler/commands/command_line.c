/* The command line of cnnc. */
#include "commands/command_line.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static bool whole_number(const char *text, int64_t least, int64_t most, int64_t *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    *value = number;
    return *text >= '0' && *text <= '9' && !*end && !errno && number >= least && number <= most;
}

/* 256K, 1M, 4096: bytes. */
static int64_t size_of_memory(const char *option, const char *text)
{
    static const char units[] = "KMG";
    size_t length = strlen(text);
    const char *unit = length && text[length - 1] ? strchr(units, text[length - 1]) : NULL;
    int64_t number, factor = (int64_t)1 << (unit ? 10 * (unit - units + 1) : 0);
    if (!whole_number(unit ? memory_copy(text, length - 1) : text, 1, ((int64_t)1 << 40) / factor, &number))
        command_error("--%s=%s: expected a number of bytes, or of K, M or G, as in --%s=256K", option, text, option);
    return number * factor;
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
        if (found) putchar('\n');
        print_help(stdout, all_tables[t], entry);
        found = true;
    }
    if (found) return;
    const char *closest = diagnostics_closest(name, names, count);
    if (closest) command_error("nothing is called %s; did you mean %s?", name, closest);
    command_error("nothing is called %s; `cnnc --help` ends with all names", name);
}

/* --manual[=KIND]: for the Makefile, which makes docs/reference.md and editors/ of some and installs the others. */
static const char *const manual_words[] = {"reference", "man", "trainer", "bash", "zsh", "vim", "vscode", NULL};
static const struct {
    void (*print)(FILE *);
} manuals[] = {{print_manual}, {print_man_page}, {cnnc_man_page}, {print_bash_completion}, {print_zsh_completion}, {print_vim_syntax}, {print_vscode_grammar}};

/* The end of a run that only says something. */
static _Noreturn void end_said(void)
{
    if (fflush(stdout) || ferror(stdout)) command_error("standard output: cannot write");
    exit(0);
}

/* Options that change the output are repeated in its banner. */
static void note_option(Text *command, const char *format, const char *value)
{
    const char *slash = strrchr(value, '/');
    text_add(command, format, slash ? slash + 1 : value);
}

/* A command of the programs that cnnc makes, not of cnnc. */
static bool is_trainers(const char *word)
{
    static const char *const words[] = {"fit", "evaluate", "predict", "gradients", "report", "compare", "summary"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i], word)) return true;
    return false;
}

void command_line_read(Options *o, int argc, char **argv)
{
    *o = (Options){.target = target_find("x86-64")};
    bool help = false;
    Text changes = {0};
    text_add(&changes, "%s", "");
    opterr = 0;
    struct option long_options[MOST_OPTIONS + 1];
    command_options_for_getopt(long_options);
    for (int c; (c = getopt_long(argc, argv, ":o:D:M:h", long_options, NULL)) != -1;) {
        switch (c) {
        case 'o': o->output = optarg; break;
        case 'h': help = true; break;
        case OPTION_MANUAL: manuals[optarg ? choice("manual", optarg, manual_words) : 0].print(stdout); end_said();
        case OPTION_VERSION: printf("cnnc " CNNC_VERSION "\n"); end_said();
        case 'D':
            add_definition(o, optarg);
            text_add(&changes, " -D %s", optarg);
            break;
        case 'M':
            if (strcmp(optarg, "D")) command_error("unknown option -M%s; run `cnnc --help`", optarg);
            o->dependencies = true;
            break;
        case OPTION_EMIT:
            o->emit = (Emission)choice("emit", optarg, emit_words);
            note_option(&changes, " --emit=%s", optarg);
            break;
        case OPTION_WEIGHTS:
            o->weights = optarg;
            note_option(&changes, " --weights=%s", optarg);
            break;
        case OPTION_WEIGHTS_AS:
            o->weights_as = (WeightsForm)choice("weights-as", optarg, weights_as_words);
            if (o->weights_as != WEIGHTS_CODE) text_add(&changes, " --weights-as=%s", optarg);
            break;
        case OPTION_TARGET:
            o->target = target_find(target_words[choice("target", optarg, target_words)]);
            text_add(&changes, " --target=%s", o->target->name);
            break;
        case OPTION_UNROLL:
            o->code.unroll_full = choice("unroll", optarg, unroll_words) == 1;
            if (o->code.unroll_full) text_add(&changes, " --unroll=full");
            break;
        case OPTION_GEMM:
            o->code.openblas = choice("gemm", optarg, gemm_words) == 1;
            if (o->code.openblas) text_add(&changes, " --gemm=openblas");
            break;
        case OPTION_MATH:
            o->code.strict = choice("math", optarg, math_words) == 1;
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
        case OPTION_PAUSES:
            o->code.pauses = true;
            text_add(&changes, " --pauses");
            break;
        case OPTION_PLAN:
            o->plan = optarg;
            note_option(&changes, " --plan=%s", optarg);
            break;
        case OPTION_RAM: o->ram = size_of_memory("ram", optarg); break;
        case OPTION_FLASH: o->flash = size_of_memory("flash", optarg); break;
        case OPTION_TUNE: o->tune = true; break;
        case OPTION_SELFTEST:
            o->selftest = true;
            text_add(&changes, " --selftest");
            break;
        case OPTION_SUMMARY:
            if (optarg && choice("summary", optarg, summary_words) == 1) o->kernels = true;
            else o->summary = true;
            break;
        case OPTION_DUMP:
            choice("dump", optarg, compile_passes);
            o->dump = optarg;
            break;
        case ':': command_error("%s needs a value; run `cnnc --help`", argv[optind - 1]);
        default: /* several letters may stand behind one -: which of them is it? */
            if (!strncmp(argv[optind - 1], "--", 2) && optopt) command_error("%.*s takes no value", (int)strcspn(argv[optind - 1], "="), argv[optind - 1]);
            command_error("unknown option %s; run `cnnc --help`", optopt > 0 && optopt < 128 ? memory_format("-%c", optopt) : argv[optind - 1]);
        }
    }
    if (help) {
        if (optind < argc) print_entry(argv[optind]);
        else {
            print_usage(stdout);
            print_index(stdout);
        }
        end_said();
    }
    if (optind == argc) {
        if (argc > 1) command_error("no input file; run `cnnc --help`");
        print_usage(stderr);
        print_first_steps(stderr);
        exit(1);
    }
    if (optind + 1 < argc && is_trainers(argv[optind])) command_error("cnnc makes the program that does that: cnnc %s -o trainer, then ./trainer %s", argv[optind + 1], argv[optind]);
    if (optind + 1 < argc) command_error("more than one input file: %s and %s", argv[optind], argv[optind + 1]);
    o->input = argv[optind];
    const struct { const char *option, *path; } files[] = {{"the network", o->input}, {"-o", o->output}, {"--weights", o->weights}, {"--plan", o->plan}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i].path && !*files[i].path) command_error("%s: the name of the file is empty", files[i].option);
    if (strcmp(o->input, "-") && access(o->input, F_OK)) command_error("%s: %s", o->input, strerror(errno));
    o->changes = changes.data;
    if (o->code.openblas && o->emit == EMIT_INFERENCE) command_error("--gemm=openblas is for trainers: inference code depends on nothing but libc and libm");
    if (o->weights && o->emit != EMIT_INFERENCE && !o->selftest) command_error("--weights goes with --emit=inference, or --selftest");
    if (o->selftest && (o->emit == EMIT_TRAINER || o->code.openblas || o->tune)) command_error("--selftest makes one file of C that checks itself: leave %s out", o->tune ? "--tune" : o->code.openblas ? "--gemm=openblas" : "--emit=trainer");
    if (o->selftest && !o->output) command_error("where should it go? Add -o %s", "selftest.c");
    if (o->dependencies && (!o->output || !strcmp(o->output, "-") || o->tune)) command_error("-MD writes the dependencies of an output file, into model.d for -o model.c: name one");
    const char *form = weights_as_words[o->weights_as];
    if (o->weights_as != WEIGHTS_CODE && !o->weights) command_error("--weights-as=%s: which weights? Add --weights=trained.safetensors", form);
    if (o->weights_as != WEIGHTS_CODE && o->selftest) command_error("--weights-as=%s: leave it out, as --selftest makes one file", form);
    if (o->weights_as != WEIGHTS_CODE && o->output && !strcmp(o->output, "-")) command_error("--weights-as=%s writes a second file, beside the first: name that with -o %s", form, "model.c");
    if (o->tune && o->plan) command_error("--tune makes a plan; it cannot follow --plan=%s", o->plan);
    if (o->tune && (o->weights || o->emit == EMIT_TRAINER)) command_error("--tune writes a plan and no code: leave --weights and --emit=trainer out");
    if (o->tune && !o->output && !strcmp(o->input, "-")) command_error("where should the plan go? Add -o %s", "model.plan");
    if (!o->output && !o->summary && !o->kernels && !o->tune && !o->dump) command_error("where should it go? Add -o %s, or --summary", "model.c");
}
