/* cnnc: the program. Reads the command line and the network, runs the passes (compile.c), writes what was asked for. */
#include "command_line.h"

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

/* What the outputs depend on, as a rule for make: model.d. */
static OutputText dependencies(const Options *o, const char *header)
{
    Text text = {0};
    text_add(&text, "%s%s%s: %s%s%s\n", o->output, header ? " " : "", header ? header : "", strcmp(o->input, "-") ? o->input : "", o->weights ? " " : "", o->weights ? o->weights : "");
    const char *stem = ends_with(o->output, ".c") ? memory_copy(o->output, strlen(o->output) - 2) : o->output;
    return (OutputText){memory_format("%s.d", stem), text.data};
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
    const char *header = table || standard ? NULL : header_path(o->output);
    const char *text = table ? generate_table(g, table_header(o, g)) : generate_source(g, header ? base_name(header) : NULL);
    OutputText texts[MOST_OUTPUTS] = {{o->output, text}};
    int count = 1;
    if (header) texts[count++] = (OutputText){header, generate_header(g)};
    if (o->dependencies && !standard) texts[count++] = dependencies(o, header);
    if (diagnostics_errors()) return;
    Failure failure;
    if (standard) {
        if (fputs(text, stdout) < 0 || fflush(stdout)) command_error("standard output: cannot write");
    } else if (!write_texts(texts, count, &failure)) {
        command_error("%s", failure.text);
    }
}

int main(int argc, char **argv)
{
    Options o;
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
    Graph *source = compile_source(file, text, length, o.definitions, o.definition_count, &options);
    if (!source) return 1;
    Generation generation = {0};
    if (!compile_programs(source, &options, &generation)) return 1;
    const char *shown = strcmp(o.input, "-") ? base_name(o.input) : "-";
    generation.command = memory_format("cnnc %s%s%s%s", shown, o.output ? " -o " : "", o.output ? base_name(o.output) : "", o.changes);
    if (o.summary) print_summary(stdout, &generation);
    if (o.weights) generation.baked = read_weights(o.weights, source);
    if (o.output) {
        bool is_source = ends_with(o.output, ".c") || !strcmp(o.output, "-");
        if (same_file(o.input, o.output)) command_error("%s: this is the network itself; name another output", o.output);
        if (!is_source && strchr(base_name(o.output), '.')) command_error("%s: unknown kind of file: .c is source, no suffix a trainer", o.output);
        if ((!is_source || o.emit == EMIT_TRAINER) && !generation.train) command_error("%s: a trainer needs a compile(...) that says how to train", file);
        if (is_source) write_source(&o, &generation);
        else build_trainer(&o, &generation);
    }
    if (fflush(stdout)) command_error("standard output: cannot write");
    return diagnostics_errors() ? 1 : 0;
}
