/* What holds the architecture together: passes over the whole graph name no layer, every row of the tables is tested, and the
 * committed C of the examples is what cnnc emits. */
#include "cnnc.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s cannot be read", path);
    cr_assert(fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file);
    rewind(file);
    char *text = calloc((size_t)size + 1, 1);
    cr_assert(text && fread(text, 1, (size_t)size, file) == (size_t)size, "%s cannot be read", path);
    fclose(file);
    return text;
}

/* Overwrites comments with spaces. */
static void blank_comments(char *text)
{
    for (char *open; (open = strstr(text, "/*"));) {
        char *close = strstr(open, "*/");
        cr_assert(close);
        memset(open, ' ', (size_t)(close + 2 - open));
    }
}

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += length) {
        char before = at == text ? ' ' : at[-1], after = at[length];
        if (!isalnum((unsigned char)before) && before != '_' && !isalnum((unsigned char)after) && after != '_') return true;
    }
    return false;
}

Test(guards, passes_name_no_layer)
{
    static const char *const passes[] = {
        "graph", "passes/shape", "passes/gradient", "passes/fuse", "passes/plan", "emission/driver", "emission/generate", "emission/emit", "passes/unroll", "passes/simplify", "emission/trainer_table", "commands/summary", "commands/kernels_summary", "passes/choose", "passes/choices_file", "commands/tune", "passes/compile", "emission/baked", "commands/reference", "passes/fit",
    };
    /* Words that are rows' names but say something else in these files. */
    static const char *const common[] = {"input", "add", "average", "maximum", "minimum", "multiply", "constant", "identity", "linear", "normal", "zero", "one"};
    int checked = 0;
    for (size_t p = 0; p < sizeof passes / sizeof *passes; p++) {
        char path[256];
        snprintf(path, sizeof path, "compiler/%s.c", passes[p]);
        char *text = read_whole(path);
        blank_comments(text);
        const Table *tables[] = {&layer_table, &activation_table, &loss_table, &optimizer_table, &initializer_table};
        for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
            for (int i = 0; i < tables[t]->count; i++) {
                const char *name = tables[t]->entries[i]->name;
                bool skip = false;
                for (size_t c = 0; c < sizeof common / sizeof *common; c++) skip = skip || !strcmp(common[c], name);
                if (skip) continue;
                checked++;
                cr_expect(!has_word(text, name), "%s names the %s %s", path, tables[t]->kind, name);
            }
        free(text);
    }
    cr_expect(checked > 200);
}

Test(guards, every_row_is_in_a_tested_network)
{
    glob_t found;
    cr_assert(glob("tests/fixtures/*.net", 0, NULL, &found) == 0);
    cr_assert(glob("tests/layers/*.net", GLOB_APPEND, NULL, &found) == 0);
    size_t total = 0;
    char *all = calloc(1, 1);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *text = read_whole(found.gl_pathv[i]);
        size_t length = strlen(text);
        all = realloc(all, total + length + 2);
        cr_assert(all);
        memcpy(all + total, text, length + 1);
        total += length;
        free(text);
    }
    const Table *tables[] = {&layer_table, &activation_table, &loss_table, &optimizer_table};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (int i = 0; i < tables[t]->count; i++) {
            const Entry *row = tables[t]->entries[i];
            bool named = row->alias_of || has_word(all, row->name);
            for (int j = 0; j < tables[t]->count; j++) {
                const Entry *other = tables[t]->entries[j];
                named = named || (other->alias_of && !strcmp(other->alias_of, row->name) && has_word(all, other->name));
            }
            cr_expect(named, "no network in tests/fixtures or tests/layers has the %s %s", tables[t]->kind, row->name);
        }
    free(all);
    globfree(&found);
}

Test(guards, the_committed_c_is_what_cnnc_emits)
{
    static const char *const names[] = {"mnist_cnn", "mlp"};
    const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
    for (size_t i = 0; i < 2; i++) {
        char command[1024];
        snprintf(command, sizeof command, "mkdir -p '%s/golden' && '%s/cnnc' examples/%s/%s.net -o '%s/golden/%s.c'", build, build, names[i], names[i], build, names[i]);
        cr_assert(system(command) == 0, "%s", command);
        for (int header = 0; header < 2; header++) {
            char fresh[512], committed[512];
            snprintf(fresh, sizeof fresh, "%s/golden/%s.%c", build, names[i], header ? 'h' : 'c');
            snprintf(committed, sizeof committed, "generated/%s.%c", names[i], header ? 'h' : 'c');
            char *a = read_whole(fresh), *b = read_whole(committed);
            cr_expect(!strcmp(a, b), "%s is not what cnnc emits now; run make generated and read the difference", committed);
            free(a);
            free(b);
        }
    }
}

Test(guards, the_reference_manual_is_what_the_tables_say)
{
    const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
    char command[1024], path[512];
    snprintf(path, sizeof path, "%s/reference.md", build);
    snprintf(command, sizeof command, "'%s/cnnc' --manual > '%s'", build, path);
    cr_assert(system(command) == 0, "%s", command);
    char *fresh = read_whole(path), *committed = read_whole("docs/reference.md");
    cr_expect(!strcmp(fresh, committed), "docs/reference.md is not what the tables say now; run make reference");
    for (const Table *const *table = all_tables; *table; table++)
        for (int i = 0; i < (*table)->count; i++) cr_expect(has_word(fresh, (*table)->entries[i]->name), "it lacks %s", (*table)->entries[i]->name);
    free(fresh);
    free(committed);
}

/* The syntax files for editors: all words are in them. */
Test(guards, the_editors_know_what_the_tables_know)
{
    static const char *const files[][2] = {{"vim", "editors/vim/syntax/cnnc.vim"}, {"vscode", "editors/vscode/syntaxes/cnnc.tmLanguage.json"}};
    const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
    for (int k = 0; k < 2; k++) {
        char command[1024], path[512];
        snprintf(path, sizeof path, "%s/editor.%s", build, files[k][0]);
        snprintf(command, sizeof command, "'%s/cnnc' --manual=%s > '%s'", build, files[k][0], path);
        cr_assert(system(command) == 0, "%s", command);
        char *fresh = read_whole(path), *committed = read_whole(files[k][1]);
        cr_expect(!strcmp(fresh, committed), "%s is not what the tables say now; run make reference", files[k][1]);
        for (const Table *const *table = all_tables; *table; table++)
            for (int i = 0; i < (*table)->count; i++) {
                const Entry *entry = (*table)->entries[i];
                cr_expect(has_word(fresh, entry->name), "%s lacks %s", files[k][1], entry->name);
                for (const Parameter *p = entry->parameters; p && p->name; p++) cr_expect(has_word(fresh, p->name), "%s lacks %s", files[k][1], p->name);
            }
        free(fresh);
        free(committed);
    }
}

/* Every row and every parameter says what it is. */
Test(guards, every_row_has_help)
{
    for (const Table *const *table = all_tables; *table; table++)
        for (int i = 0; i < (*table)->count; i++) {
            const Entry *entry = (*table)->entries[i];
            if (entry->alias_of) continue;
            cr_expect(entry->help && *entry->help, "the %s %s has no help", (*table)->kind, entry->name);
            for (const Parameter *p = entry->parameters; p && p->name; p++)
                cr_expect(p->help && *p->help, "`%s` of the %s %s has no help", p->name, (*table)->kind, entry->name);
        }
}
