/* --help NAME: one row of the tables. */
#include "command_line.h"

static const char *type_text(const Parameter *p)
{
    static const char *const names[] = {"whole number", "pair of whole numbers", "number", "true or false", "word", "text in quotes", "", "name of a layer", "map"};
    const char *type = p->type == PARAMETER_OBJECT ? p->table->kind : names[p->type];
    if (p->type == PARAMETER_WORD && p->words) {
        type = "";
        for (int i = 0; p->words[i]; i++) type = memory_format("%s%s%s", type, i ? " | " : "", p->words[i]);
    }
    return p->list && !p->rest ? memory_format("list: %s", type) : p->rest ? memory_format("%s, ...", type) : type;
}

void print_help(FILE *out, const Table *table, const Entry *entry)
{
    fprintf(out, "%s (%s): %s\n", entry->name, table->kind, entry->help);
    for (const Parameter *p = entry->parameters; p && p->name; p++)
        fprintf(out, "  %-20s %-28s %-18s %s\n", p->name, type_text(p), p->fallback ? memory_format("= %s", p->fallback) : "required", p->help);
}
