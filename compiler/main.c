/* cnnc: the program. Reads the command line and the network, runs the passes (compile.c), writes what was asked for. */
#include "passes/choose.h"
#include "commands/command_line.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && !strcmp(text + length - end_length, end);
}

/* model.c -> model.h. */
static char *header_path(const char *output)
{
    return memory_format("%.*s.h", (int)strlen(output) - 2, output);
}

/* The header that the trainer's table includes: digits.h for digits_trainer.c, else that of the model's name. */
static const char *table_header(const Options *o, const Generation *g)
{
    const char *name = base_name(o->output);
    int length = (int)strlen(name) - (int)strlen("_trainer.c");
    if (length > 0 && ends_with(name, "_trainer.c")) return memory_format("%.*s.h", length, name);
    return memory_format("%s.h", g->source->name);
}

/* The file of the weights that goes with model.c: model_weights.c. */
static OutputText weights_output(const Options *o, const Generation *g, const char *header)
{
    bool blob = g->form == WEIGHTS_BLOB;
    OutputText output = {.path = memory_format("%.*s_weights.%s", (int)strlen(o->output) - 2, o->output, blob ? "bin" : "c")};
    output.text = blob ? generate_blob(g, &output.length) : generate_weights(g, base_name(header));
    return output;
}

/* A path as a rule has it: make would take a space for the end of the name, # for a comment, $ for a variable. */
static const char *name_for_make(const char *path)
{
    Text text = {0};
    text_add(&text, "%s", "");
    for (; *path; path++) {
        if (*path == '$') text_add(&text, "$$");
        else text_add(&text, *path == ' ' || *path == '\t' || *path == '#' ? "\\%c" : "%c", *path);
    }
    return text.data;
}

/* What the outputs depend on, as a rule for make: model.d. */
static OutputText dependencies(const Options *o, const OutputText *outputs, int count)
{
    Text text = {0};
    for (int i = 0; i < count; i++) text_add(&text, "%s%s", i ? " " : "", name_for_make(outputs[i].path));
    text_add(&text, ":");
    const char *const sources[] = {strcmp(o->input, "-") ? o->input : NULL, o->weights, o->plan};
    for (int i = 0; i < 3; i++)
        if (sources[i]) text_add(&text, " %s", name_for_make(sources[i]));
    text_add(&text, "\n");
    const char *dot = strrchr(base_name(o->output), '.');
    const char *stem = dot ? memory_copy(o->output, (size_t)(dot - o->output)) : o->output;
    return (OutputText){.path = memory_format("%s.d", stem), .text = text.data};
}

static void write_trainer(const Options *o, const Generation *g)
{
    build_trainer(o, g);
    if (!o->dependencies) return;
    Failure failure;
    const OutputText text = dependencies(o, &(OutputText){.path = o->output}, 1);
    if (!write_texts(&text, 1, &failure)) command_error("%s", failure.text);
}

/* Whether both paths lead to the same file. */
static bool same_file(const char *a, const char *b)
{
    struct stat a_status, b_status;
    return !stat(a, &a_status) && !stat(b, &b_status) && a_status.st_dev == b_status.st_dev && a_status.st_ino == b_status.st_ino;
}

static void write_source(const Options *o, const Generation *g)
{
    bool table = o->emit == EMIT_TRAINER, standard = !strcmp(o->output, "-");
    const char *header = table || standard || o->selftest ? NULL : header_path(o->output);
    const char *text = table ? generate_table(g, table_header(o, g)) : generate_source(g, header ? base_name(header) : NULL);
    OutputText texts[MOST_OUTPUTS] = {{.path = o->output, .text = text}};
    int count = 1;
    if (header) texts[count++] = (OutputText){.path = header, .text = generate_header(g)};
    if (header && g->form != WEIGHTS_CODE) texts[count++] = weights_output(o, g, header);
    if (o->dependencies) texts[count] = dependencies(o, texts, count), count++;
    if (diagnostics_errors()) return;
    Failure failure;
    if (standard) {
        if (fputs(text, stdout) < 0 || fflush(stdout)) command_error("standard output: cannot write");
    } else if (!write_texts(texts, count, &failure)) {
        command_error("%s", failure.text);
    }
}

static void write_drawing(const Options *o, const Graph *source)
{
    Failure failure;
    OutputText texts[] = {{.path = o->output, .text = draw_network(source)}, {0}};
    if (o->dependencies) texts[1] = dependencies(o, texts, 1);
    if (!write_texts(texts, o->dependencies ? 2 : 1, &failure)) command_error("%s", failure.text);
}

/* model.net -> model.plan. */
static const char *plan_path(const Options *o)
{
    if (o->output) return o->output;
    size_t length = strlen(o->input) - (ends_with(o->input, ".net") ? 4 : 0);
    return memory_format("%.*s.plan", (int)length, o->input);
}

static void write_plan(const Options *o, const CompileInput *input)
{
    const char *path = plan_path(o), *text;
    Failure failure;
    if (same_file(o->input, path)) command_error("%s: this is the network itself; name another output", path);
    if (ends_with(path, ".c")) command_error("%s: --tune writes a plan, which is no C: -o model.plan, then cnnc model.net -o %s --plan=model.plan", path, base_name(path));
    if (strcmp(path, "-")) check_output_place(path); /* before minutes go by */
    if (!(text = tune_plan(input))) return;
    if (!strcmp(path, "-") && (fputs(text, stdout) < 0 || fflush(stdout))) command_error("standard output: cannot write");
    if (!strcmp(path, "-")) return;
    if (!write_texts(&(OutputText){.path = path, .text = text}, 1, &failure)) command_error("%s", failure.text);
    else fprintf(stderr, "cnnc: %s is written; cnnc --plan=%s uses it\n", path, path);
}

/* Everything is emitted once, for the choices that it asks for: does the plan fit them all? */
static bool plan_fits(const Generation *generation)
{
    generate_source(generation, NULL);
    const char *errors = choices_unfit(generation->source->choices, generation);
    if (errors) fputs(errors, stderr);
    return !errors;
}

int main(int argc, char **argv)
{
    Options o;
    atexit(memory_release);
    command_line_read(&o, argc, argv);
    size_t length;
    const char *text = text_of_input(o.input, &length);
    CompileOptions options = {
        .batch = o.batch,
        .target = o.target,
        .emit = o.code,
        .inference_only = o.emit == EMIT_INFERENCE,
        .dump = o.dump ? stdout : NULL,
        .dump_pass = o.dump,
    };
    const char *file = strcmp(o.input, "-") ? o.input : "standard input";
    if (o.plan) {
        size_t plan_length;
        const char *plan = text_of_input(o.plan, &plan_length);
        options.choices = choices_new();
        choices_read(options.choices, o.plan, plan, plan_length);
    }
    const CompileInput input = {file, text, length, o.definitions, o.definition_count, options};
    if (o.tune) {
        write_plan(&o, &input);
        return fflush(stdout) || ferror(stdout) || diagnostics_errors() ? 1 : 0;
    }
    Graph *source = compile_source(file, text, length, o.definitions, o.definition_count, &options);
    if (!source) return 1;
    Generation generation = {0};
    if (!compile_programs(source, &options, &generation)) return 1;
    const char *shown = strcmp(o.input, "-") ? base_name(o.input) : "-";
    generation.command = memory_format("cnnc %s%s%s%s", shown, o.output ? " -o " : "", o.output ? base_name(o.output) : "", o.changes);
    if ((o.plan || o.kernels) && !plan_fits(&generation)) return 1;
    if (!limits_hold(&o, &input, &generation)) return 1;
    if (o.summary) print_summary(stdout, &generation);
    if (o.kernels) print_kernels(stdout, &generation);
    if (o.weights) generation.baked = read_weights(o.weights, source);
    generation.form = o.weights_as;
    if (o.selftest) selftest_programs(&generation, &options);
    if (o.output) {
        bool is_source = ends_with(o.output, ".c") || !strcmp(o.output, "-"), is_drawing = ends_with(o.output, ".svg");
        if (o.selftest && !is_source) command_error("%s: --selftest makes one file of C: name one with the suffix .c", o.output);
        if (same_file(o.input, o.output)) command_error("%s: this is the network itself; name another output", o.output);
        if (!is_source && !is_drawing && strchr(base_name(o.output), '.')) command_error("%s: unknown kind of file: .c is source, .svg a drawing, no suffix a trainer", o.output);
        if (!is_source && !is_drawing && o.emit == EMIT_INFERENCE) command_error("%s: without a suffix it would be a trainer, but --emit=inference leaves training out: drop that, or name a file with the suffix .c", o.output);
        if (((!is_source && !is_drawing) || o.emit == EMIT_TRAINER) && !generation.train) command_error("%s: a trainer needs to know how to train: add a line such as compile(adam, categorical_crossentropy, metrics=[accuracy])", file);
        if (is_drawing) write_drawing(&o, source);
        else if (is_source) write_source(&o, &generation);
        else write_trainer(&o, &generation);
    }
    if (fflush(stdout) || ferror(stdout)) command_error("standard output: cannot write");
    return diagnostics_errors() ? 1 : 0;
}
