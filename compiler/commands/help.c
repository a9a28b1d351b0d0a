/* What the tables say of themselves: --help NAME, the index behind --help, and the reference manual, docs/reference.md. */
#include "commands/command_line.h"

#include <ctype.h>
#include <string.h>

/* The parameter's type and range: "list of numbers above 0". `mark` stands around words. */
static const char *type_text(const Parameter *p, const char *mark)
{
    static const char *const names[] = {"whole number", "pair of whole numbers", "number", "true or false", "word", "text in quotes", "", "name of a layer", "map of numbers"};
    const char *type = p->type == PARAMETER_OBJECT ? p->table->kind : names[p->type], *range = parameter_range(p);
    bool numeric = p->type == PARAMETER_SIZE || p->type == PARAMETER_PAIR || p->type == PARAMETER_NUMBER || p->type == PARAMETER_MAP;
    if (p->type == PARAMETER_WORD && p->words) type = "";
    if (numeric && *range) type = memory_format("%s %s", type, range);
    if (numeric && p->table) type = memory_format("%s or a %s", type, p->table->kind);
    for (int i = 0; p->words && p->words[i]; i++) type = memory_format("%s%s%s%s%s", type, *type ? " or " : "", mark, p->words[i], mark);
    return p->list && !p->rest ? memory_format("list: %s", type) : p->rest ? memory_format("%s, ...", type) : type;
}

/* Other spellings of a row: "mse, MSE"; "": none. */
static const char *alias_text(const Table *table, const Entry *entry, const char *mark)
{
    const char *text = "";
    for (int i = 0; i < table->count; i++)
        if (table->entries[i]->alias_of && !strcmp(table->entries[i]->alias_of, entry->name))
            text = memory_format("%s%s%s%s%s", text, *text ? ", " : "", mark, table->entries[i]->name, mark);
    return text;
}

/* Indented, as Markdown wants it of code. */
static void print_example(FILE *out, const Table *table, const Entry *entry)
{
    const char *before, *text = example_of(table, entry, &before);
    for (size_t length; text && *text; text += length + (text[length] != 0)) {
        length = strcspn(text, "\n");
        fprintf(out, "    %.*s\n", (int)length, text);
    }
}

void print_help(FILE *out, const Table *table, const Entry *entry)
{
    const char *aliases = alias_text(table, entry, "");
    fprintf(out, "%s (%s): %s\n", entry->name, table->kind, entry->help ? entry->help : "");
    if (*aliases) fprintf(out, "  also spelled %s\n", aliases);
    for (const Parameter *p = entry->parameters; p && p->name; p++)
        fprintf(out, "  %-20s %-28s %-18s %s\n", p->name, type_text(p, ""), p->fallback ? memory_format("= %s", p->fallback) : "required", p->help);
    fputs("\n", out);
    print_example(out, table, entry);
}

/* "losses": several of a table's kind. */
static const char *plural(const Table *table)
{
    const char *kind = table->kind;
    return memory_format("%s%s", kind, kind[strlen(kind) - 1] == 's' ? "es" : "s");
}

void print_index(FILE *out)
{
    fputs("\nWhat --help NAME explains:\n", out);
    for (const Table *const *table = all_tables; *table; table++) {
        int column = fprintf(out, "\n  %s:", plural(*table));
        for (int i = 0; i < (*table)->count; i++) {
            const Entry *entry = (*table)->entries[i];
            if (entry->alias_of) continue;
            if (column + (int)strlen(entry->name) + 1 > 100) column = fprintf(out, "\n     ") - 1;
            column += fprintf(out, " %s", entry->name);
        }
    }
    fputs("\n", out);
}

/* ---- the manual ---- */

static const char language[] =
    "# Reference\n\n"
    "Made from the tables of cnnc by `make reference`. `cnnc --help NAME` prints one entry.\n\n"
    "## The language\n\n"
    "A network is a text of statements. White space and line ends mean nothing, `#` begins a comment, trailing commas are allowed.\n\n"
    "| statement | |\n|---|---|\n"
    "| `model name` | names the network; it stands first |\n"
    "| `image = input(28, 28, 1)` | what goes in, without the batch; several inputs have names, and where they have not they are numbered as layers are: `input`, `input_1` |\n"
    "| `layer(arguments)` | a layer on what the statement before gives; positional arguments stand before named ones |\n"
    "| `name = layer(arguments)(a, b)` | named, and on other layers' outputs |\n"
    "| `let name = expression` | a number; `cnnc -D name=value` overrides it |\n"
    "| `block name(a, b=1) { ... }` | a layer made of layers; `input` is what it is given, its last statement what it gives |\n"
    "| `repeat 3 { ... }` | the statements, three times |\n"
    "| `outputs(a, b)`, `compile(...)`, `fit(...)` | below |\n\n"
    "Values: numbers and expressions (`1/255`), pairs (`3x3`, `[3, 3]`; a lone `3` is both), words (`relu`), `true`, `false`, `none`, texts in "
    "double quotes, lists `[a, b]`, maps `{0: 3, 7: 0.5}`, calls (`adam(0.01)`; `adam` is `adam()`). Names, order and defaults are Keras's.\n\n";

static void print_limits(FILE *out)
{
    fprintf(out,
            "Limits: %d axes of a tensor beside the batch; 2^31 - 1 numbers in a tensor for one sample; 2^40 bytes of weights and activations; %d "
            "layers after expansion; %d brackets, blocks and repeats within one another; names of %d bytes. Beyond them a network is refused.\n\n",
            MAX_RANK,
            MAX_LAYERS,
            MAX_NESTING,
            MAX_NAME);
}

static void print_parameters(FILE *out, const Parameter *parameters)
{
    if (!parameters || !parameters->name) {
        fputs("It takes no arguments.\n\n", out);
        return;
    }
    fputs("| argument | | default | |\n|---|---|---|---|\n", out);
    for (const Parameter *p = parameters; p->name; p++)
        fprintf(out, "| `%s` | %s | %s | %s |\n", p->name, type_text(p, "`"), p->fallback ? memory_format("`%s`", p->fallback) : "required", p->help ? p->help : "");
    fputs("\n", out);
}

static void print_table(FILE *out, const Table *table)
{
    const char *title = plural(table);
    fprintf(out, "## %c%s\n\n", toupper((unsigned char)title[0]), title + 1);
    for (int i = 0; i < table->count; i++) {
        const Entry *entry = table->entries[i];
        const char *aliases = alias_text(table, entry, "`");
        if (entry->alias_of) continue;
        fprintf(out, "### %s\n\n%s%s%s\n\n", entry->name, entry->help ? entry->help : "", *aliases ? " Also spelled " : "", memory_format("%s%s", aliases, *aliases ? "." : ""));
        print_parameters(out, entry->parameters);
        print_example(out, table, entry);
        fputs("\n", out);
    }
}

void print_manual(FILE *out)
{
    fputs(language, out);
    print_limits(out);
    print_table(out, &statement_table);
    for (const Table *const *table = all_tables; *table; table++)
        if (*table != &statement_table) print_table(out, *table);
    cnnc_manual(out);
}
