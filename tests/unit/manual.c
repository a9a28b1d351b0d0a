/* The manual: each row of each table has an example, which `cnnc --help NAME` and docs/reference.md show, and each example compiles. */
#include "commands/command_line.h"
#include "patience.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(manual);

/* The row stands in the text by name, or by another spelling. */
static bool shows(const char *text, const Table *table, const Entry *entry)
{
    for (int i = 0; i < table->count; i++) {
        const Entry *other = table->entries[i];
        bool same = other == entry || (other->alias_of && !strcmp(other->alias_of, entry->name));
        if (same && strstr(text, other->name)) return true;
    }
    return false;
}

Test(manual, each_row_has_an_example_that_compiles, .timeout = 120 * PATIENCE)
{
    int count = 0;
    for (const Table *const *table = all_tables; *table; table++)
        for (int i = 0; i < (*table)->count; i++) {
            const Entry *entry = (*table)->entries[i];
            if (entry->alias_of) continue;
            const char *before, *text = example_of(*table, entry, &before);
            cr_assert(text, "the %s %s has no example", (*table)->kind, entry->name);
            cr_expect(shows(text, *table, entry), "the example of the %s %s shows something else: %s", (*table)->kind, entry->name, text);
            const char *network = memory_format("model example\n%s%s\n", before, text);
            CompileOptions options = {.target = target_find("x86-64")};
            Generation generation = {0};
            Graph *source = compile_source(entry->name, network, strlen(network), NULL, 0, &options);
            cr_assert(source && compile_programs(source, &options, &generation), "the example of the %s %s is faulty:\n%s", (*table)->kind, entry->name, network);
            count++;
        }
    cr_expect(count > 170, "%d", count);
    memory_release();
}
