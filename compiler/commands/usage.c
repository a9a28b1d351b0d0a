/* The options of the command line as a table, and what is made of it for readers and shells: the text of --help, the man page
 * cnnc(1), completion for bash and zsh. `make install` takes the latter three from --manual=KIND. */
#include "commands/command_line.h"

#include <string.h>

const char *const emit_words[] = {"all", "inference", "trainer", NULL}, *const weights_as_words[] = {"code", "object", "blob", NULL}, *const unroll_words[] = {"auto", "full", "none", NULL},
                  *const gemm_words[] = {"generated", "openblas", NULL}, *const math_words[] = {"default", "strict", NULL},
                  *const summary_words[] = {"layers", "kernels", NULL};
static const char *const dependency_words[] = {"D", NULL};

typedef struct {
    const char *name;         /* --name; NULL: none */
    int code;                 /* what getopt_long gives: the letter, for those that have one */
    const char *value;        /* NULL: none; [VALUE]: may be left out */
    const char *const *words; /* the values, where they are words */
    const char *help;         /* NULL: the Makefile's own, shown to nobody */
} CommandOption;

static const CommandOption options[] = {
    {"output", 'o', "FILE", NULL, "where to write; - is standard output, for the text of model.c with its header inlined"},
    {NULL, 'D', "NAME=VALUE", NULL, "overrides a let"},
    {"emit", OPTION_EMIT, "all|inference|trainer", emit_words, "trainer: the table that makes a trainer of model.c and the runtime"},
    {"weights", OPTION_WEIGHTS, "FILE", NULL, "trained weights (safetensors) to put into inference code"},
    {"weights-as",
     OPTION_WEIGHTS_AS,
     "code|object|blob",
     weights_as_words,
     "where they stand: in model.c; in model_weights.c, an object file of its own;\nin model_weights.bin, which the program maps"},
    {"target",
     OPTION_TARGET,
     "NAME",
     target_words,
     "x86-64 (levels v4, v3, base, chosen at run time), x86-64-v4, -v3, -v2,\naarch64, native, generic"},
    {"unroll", OPTION_UNROLL, "auto|full|none", unroll_words, "full: inference as straight-line code, for small networks"},
    {"gemm", OPTION_GEMM, "generated|openblas", gemm_words, "whose matrix products a trainer uses"},
    {"plan", OPTION_PLAN, "FILE", NULL, "choices of kernels that --tune wrote"},
    {"math", OPTION_MATH, "default|strict", math_words, "strict: no Winograd convolution, whose rounding errors are some times larger"},
    {"batch", OPTION_BATCH, "N", NULL, "the batch size, instead of fit()'s"},
    {"threads", OPTION_THREADS, "N", NULL, "threads of the emitted code; without it as many as OpenMP finds"},
    {"pauses", OPTION_PAUSES, NULL, NULL, "also predict_begin and predict_next: inference that pauses between layers,\nfor a watchdog or other work"},
    {"ram", OPTION_RAM, "SIZE", NULL, "256K, 1M, ...: refuses what needs more for inference on one sample,\nand says what is largest and what would help"},
    {"flash", OPTION_FLASH, "SIZE", NULL, "refuses weights that are larger; they lie there then, and not in RAM"},
    {NULL, 'M', "D", dependency_words, "also writes what the output depends on, for make"},
    {"selftest", OPTION_SELFTEST, NULL, NULL, "one file of C that checks itself, layer by layer, where it will run;\nwith trained --weights, or others that it draws"},
    {"summary", OPTION_SUMMARY, "[layers|kernels]", summary_words, "prints the layers, or which kernels and why"},
    {"tune", OPTION_TUNE, NULL, NULL, "measures kernels on this machine and writes the plan"},
    {"dump", OPTION_DUMP, "PASS", compile_passes, "prints the graph after a pass"},
    {"help", 'h', NULL, NULL, "this text; with a NAME, of a layer or another word of the language"},
    {"version", OPTION_VERSION, NULL, NULL, "prints the version"},
    {"manual", OPTION_MANUAL, "[KIND]", NULL, NULL},
};
enum { OPTION_COUNT = sizeof options / sizeof *options };
_Static_assert(sizeof options / sizeof *options <= MOST_OPTIONS, "command_line_read has a place for each");

static const struct {
    const char *command, *help;
} commands[] = {
    {"cnnc model.net -o model.c", "model.c and model.h: inference, and training where there is a compile()"},
    {"cnnc model.net -o model.c --emit=inference", "only inference; --weights=FILE puts trained weights into it"},
    {"cnnc model.net -o trainer", "a program that trains, evaluates and predicts"},
    {"cnnc model.net -o model.svg", "a drawing of the network: layers, shapes, parameters, branches"},
    {"cnnc --selftest model.net -o selftest.c", "a program that compares the C, on its machine, with a reference in double"},
    {"cnnc --summary model.net", "layers, shapes, parameters, multiply-adds, bytes"},
    {"cnnc --summary=kernels model.net", "the kernels: tiles, predicted cycles, share of peak, and why so"},
    {"cnnc --tune model.net [-o model.plan]", "measures kernels on this machine, some minutes; --plan=FILE uses the result"},
    {"cnnc --dump=PASS model.net", "the graph after a pass"},
    {"cnnc --help NAME", "a layer, optimizer, loss, ...: what it does and its parameters"},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static const char environment[] = "CC and CFLAGS name the C compiler and its options, for a trainer and for --tune.";

void command_options_for_getopt(struct option rows[MOST_OPTIONS + 1])
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        const CommandOption *o = &options[i];
        int value = !o->value ? no_argument : o->value[0] == '[' ? optional_argument : required_argument;
        if (o->name) *rows++ = (struct option){o->name, value, NULL, o->code};
    }
    *rows = (struct option){0};
}

/* The option as it is written: "--emit=all|inference|trainer", "-o FILE", "--summary[=layers|kernels]". */
static const char *spelling(const CommandOption *o)
{
    if (o->code < 256 && o->value) return memory_format(o->words ? "-%c%s" : "-%c %s", o->code, o->value);
    if (!o->value) return memory_format("--%s", o->name);
    return o->value[0] == '[' ? memory_format("--%s[=%s", o->name, o->value + 1) : memory_format("--%s=%s", o->name, o->value);
}

/* The words that an option takes, with spaces between; "": those of no list. */
static const char *words_of(const CommandOption *o)
{
    Text text = {0};
    text_add(&text, "%s", "");
    for (int i = 0; o->words && o->words[i]; i++) text_add(&text, "%s%s", i ? " " : "", o->words[i]);
    return text.data;
}

/* The passes are many, and stand in the help themselves. */
static const char *help_of(const CommandOption *o)
{
    return o->code == OPTION_DUMP ? memory_format("%s: %s", o->help, words_of(o)) : o->help;
}

void print_usage(FILE *out)
{
    fputs("cnnc " CNNC_VERSION ": from a description of a neural network to C\n\n", out);
    for (int i = 0; i < COMMAND_COUNT; i++) fprintf(out, "  %-42s  %s\n", commands[i].command, commands[i].help);
    fputc('\n', out);
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (!options[i].help) continue;
        const char *head = spelling(&options[i]);
        for (const char *line = help_of(&options[i]); line; line = strchr(line, '\n'), line = line ? line + 1 : NULL, head = "")
            fprintf(out, "  %-30s  %.*s\n", head, (int)strcspn(line, "\n"), line);
    }
    fprintf(out, "\n%s\n", environment);
}

void print_first_steps(FILE *out)
{
    fputs("\nTo begin: put these lines into first.net,\n\n"
          "  input(28, 28, 1)\n  rescaling(1/255)\n  flatten()\n  dense(10, activation=softmax)\n  compile(adam, categorical_crossentropy, metrics=[accuracy])\n\n"
          "then `cnnc first.net -o first` makes a program, and `./first fit` trains it on MNIST, or on --x and --y of your own. `cnnc --help` ends with\n"
          "all that can stand in a network; `cnnc --help dense` explains one word. Larger networks are in share/doc/cnnc/examples, where cnnc is installed.\n",
          out);
}

void print_man_page(FILE *out)
{
    fputs(".TH CNNC 1 \"\" \"cnnc " CNNC_VERSION "\"\n.SH NAME\ncnnc \\- compiles a description of a neural network to C\n.SH SYNOPSIS\n", out);
    fputs(".B cnnc\n.RI [ options ]\n.I model.net\n.SH DESCRIPTION\n"
          "cnnc reads a small text that says what a neural network looks like and how it is trained, and writes C that does exactly that: "
          "inference that fits into any program, and a trainer with Keras\\(aqs fit, evaluate and predict.\n",
          out);
    for (int i = 0; i < COMMAND_COUNT; i++) {
        fputs(".TP\n.B ", out);
        cnnc_roff(out, commands[i].command);
        fputc('\n', out);
        cnnc_roff(out, commands[i].help);
        fputc('\n', out);
    }
    fputs(".SH OPTIONS\n", out);
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (!options[i].help) continue;
        fputs(".TP\n.B ", out);
        cnnc_roff(out, spelling(&options[i]));
        fputc('\n', out);
        cnnc_roff(out, help_of(&options[i]));
        fputc('\n', out);
    }
    fprintf(out, ".SH ENVIRONMENT\n%s\n", environment);
    fputs(".SH EXIT STATUS\n0, or 1 after an error: nothing is written then.\n.SH LANGUAGE\nThese are the words of the language;\n"
          ".B cnnc \\-\\-help\n.I NAME\nexplains one.\n",
          out);
    for (const Table *const *table = all_tables; *table; table++) {
        fprintf(out, ".TP\n.I %s\n", (*table)->kind);
        for (int i = 0; i < (*table)->count; i++)
            if (!(*table)->entries[i]->alias_of) fprintf(out, "%s\n", (*table)->entries[i]->name);
    }
    fputs(".SH EXAMPLES\n.nf\ncnnc mnist_cnn.net \\-o mnist_cnn\n\\&./mnist_cnn fit \\-\\-epochs 4 \\-\\-output trained.safetensors\n"
          "cnnc mnist_cnn.net \\-o digits.c \\-\\-emit=inference \\-\\-weights=trained.safetensors\n.fi\n.SH SEE ALSO\n.BR cnnc\\-trainer (1)\n",
          out);
}

/* ---- completion ---- */

static const char *help_words(void)
{
    Text text = {0};
    for (const Table *const *table = all_tables; *table; table++)
        for (int i = 0; i < (*table)->count; i++) text_add(&text, "%s%s", text.length ? " " : "", (*table)->entries[i]->name);
    return text.data;
}

void print_bash_completion(FILE *out)
{
    fputs("# Completion of cnnc in bash: options and their values, words of the language after --help, .net files.\n"
          "_cnnc()\n{\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} option words\n"
          "    COMPREPLY=()\n"
          "    # readline takes --emit=inf for three words\n"
          "    if [ \"$word\" = = ]; then word= option=$before\n"
          "    elif [ \"$before\" = = ]; then option=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    else option=$before; [[ $option == --* && $option != --help && $option != --output ]] && option=\n"
          "    fi\n"
          "    case $option in\n",
          out);
    for (int i = 0; i < OPTION_COUNT; i++) {
        const char *words = words_of(&options[i]);
        if (*words && options[i].name) fprintf(out, "    --%s) words='%s' ;;\n", options[i].name, words);
    }
    fprintf(out, "    --help | -h) words='%s' ;;\n", help_words());
    fputs("    -o | --output | --weights | --plan) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
          "    -D | --batch | --threads) return ;;\n"
          "    *)\n"
          "        if [[ $word != -* ]]; then\n"
          "            COMPREPLY=($(compgen -f -X '!*.net' -- \"$word\") $(compgen -d -- \"$word\"))\n"
          "            return\n"
          "        fi\n"
          "        words='",
          out);
    for (int i = 0; i < OPTION_COUNT; i++) {
        const CommandOption *o = &options[i];
        if (!o->help) continue;
        if (!o->name) fprintf(out, "-%c%s ", o->code, o->words ? o->words[0] : "");
        else fprintf(out, "--%s%s ", o->name, o->value && o->value[0] != '[' ? "=" : "");
    }
    fputs("'\n"
          "        ;;\n"
          "    esac\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
          "}\n"
          "complete -o filenames -F _cnnc cnnc\n",
          out);
}

/* In _arguments brackets and colons end a description. zsh cuts it where the terminal's line ends. */
static void print_zsh_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("[]:\\", *text)) fputc('\\', out);
        if (*text == '\'') fputs("'\\'", out);
        fputc(*text == '\n' ? ' ' : *text, out);
    }
}

void print_zsh_completion(FILE *out)
{
    fputs("#compdef cnnc\n# Completion of cnnc in zsh: options and their values, words of the language after --help, .net files.\n_arguments -S \\\n", out);
    for (int i = 0; i < OPTION_COUNT; i++) {
        const CommandOption *o = &options[i];
        if (!o->help) continue;
        const char *words = words_of(o);
        if (o->name && o->code != 'h') fprintf(out, "    '%s--%s%s[", o->code == 'o' ? "(-o)" : "", o->name, !o->value ? "" : o->value[0] == '[' ? "=-" : "=");
        else if (o->code == 'h') fputs("    '(-)--help[", out);
        else fprintf(out, "    '%s-%c%s[", o->code == 'D' ? "*" : "", o->code, o->words ? o->words[0] : "+");
        print_zsh_text(out, o->help);
        fputs("]", out);
        if (o->code == 'h') fprintf(out, ":name:(%s)", help_words());
        else if (*words && o->name) fprintf(out, "%s:value:(%s)", o->value[0] == '[' ? ":" : "", words);
        else if (o->value && !o->words) fprintf(out, ":value:%s", strcmp(o->value, "FILE") ? " " : "_files");
        fputs("' \\\n", out);
    }
    fputs("    '-o+[where to write]:file:_files' \\\n    '*:network:_files -g \"*.net\"'\n", out);
}
