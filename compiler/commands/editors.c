/* Syntax files for editors, made from the tables: for Vim and, as a TextMate grammar, for VS Code. They are committed, in editors/, and made
 * anew by `make reference`.
 *
 * Both have the same classes of words. A word is told by what follows it: an argument's name by `=`, a layer's by its parenthesis; so a
 * word that is several, as activation is, gets its colour from where it stands. */
#include "commands/command_line.h"

#include <string.h>

typedef enum { WORD_ANY, WORD_CALL, WORD_ARGUMENT } Behind; /* nothing in particular; a parenthesis; `=` */

/* A class of words: its name in Vim, the group there whose colour it takes, its name in TextMate grammars. */
typedef struct {
    const char *name, *group, *scope;
    Behind behind;
    void (*collect)(Names *);
} WordClass;

static void add_rows(Names *words, const Table *table)
{
    for (int i = 0; i < table->count; i++) names_add(words, table->entries[i]->name);
}

static void collect_reserved(Names *words)
{
    static const char *const reserved[] = {"model", "let", "block", "repeat"};
    for (int i = 0; i < 4; i++) names_add(words, reserved[i]);
}

static void collect_constants(Names *words)
{
    static const char *const constants[] = {"true", "false", "none"};
    for (int i = 0; i < 3; i++) names_add(words, constants[i]);
}

static void collect_statements(Names *words)
{
    add_rows(words, &statement_table);
}

static void collect_layers(Names *words)
{
    add_rows(words, &layer_table);
}

/* Losses, optimizers and all else that stands in an argument. */
static void collect_rows(Names *words)
{
    for (const Table *const *table = all_tables; *table; table++)
        if (*table != &layer_table && *table != &statement_table) add_rows(words, *table);
}

static void collect_parameters(Names *words, bool values)
{
    for (const Table *const *table = all_tables; *table; table++)
        for (int i = 0; i < (*table)->count; i++)
            for (const Parameter *p = (*table)->entries[i]->parameters; p && p->name; p++) {
                if (!values) names_add(words, p->name);
                for (int k = 0; values && p->words && p->words[k]; k++) names_add(words, p->words[k]);
            }
}

static void collect_arguments(Names *words)
{
    collect_parameters(words, false);
}

static void collect_values(Names *words)
{
    collect_parameters(words, true);
}

/* Of words that belong to several classes the last one takes them. */
static const WordClass classes[] = {
    {"Value", "Constant", "constant.other", WORD_ANY, collect_values},
    {"Row", "Type", "support.class", WORD_ANY, collect_rows},
    {"Layer", "Function", "entity.name.function", WORD_CALL, collect_layers},
    {"Statement", "Statement", "keyword.other", WORD_CALL, collect_statements},
    {"Argument", "Identifier", "variable.parameter", WORD_ARGUMENT, collect_arguments},
    {"Constant", "Boolean", "constant.language", WORD_ANY, collect_constants},
    {"Reserved", "Keyword", "keyword.control", WORD_ANY, collect_reserved},
};
enum { CLASS_COUNT = sizeof classes / sizeof *classes };

/* The words of the class, each once. */
static void print_words(FILE *out, const WordClass *class, const char *between)
{
    Names words = {0};
    class->collect(&words);
    for (int i = 0; i < words.count; i++) fprintf(out, "%s%s", i ? between : "", words.names[i].text);
}

void print_vim_syntax(FILE *out)
{
    static const char *const behind[] = {"", "\\s*(", "\\s*="};
    fputs("\" Vim syntax file of networks for cnnc, made from its tables by `make reference`.\n"
          "if exists('b:current_syntax')\n  finish\nendif\n\n"
          "syn match cnncNumber /\\v<\\d+%(\\.\\d*)?%([eE][+-]?\\d+)?/\n"
          "syn match cnncPair /\\<\\d\\+x\\d\\+\\>/\n",
          out);
    for (int i = 0; i < CLASS_COUNT; i++) {
        fprintf(out, "syn match cnnc%s /\\<\\%%(", classes[i].name);
        print_words(out, &classes[i], "\\|");
        fprintf(out, "\\)\\>%s%s/\n", *behind[classes[i].behind] ? "\\ze" : "", behind[classes[i].behind]);
    }
    fputs("syn region cnncString start=/\"/ end=/\"/ oneline\n"
          "syn match cnncComment /#.*$/ contains=@Spell\n\n"
          "hi def link cnncNumber Number\nhi def link cnncPair Number\nhi def link cnncString String\nhi def link cnncComment Comment\n",
          out);
    for (int i = 0; i < CLASS_COUNT; i++) fprintf(out, "hi def link cnnc%s %s\n", classes[i].name, classes[i].group);
    fputs("\nlet b:current_syntax = 'cnnc'\n", out);
}

static void print_pattern(FILE *out, const char *scope, const char *pattern)
{
    fprintf(out, "    { \"name\": \"%s.cnnc\", \"match\": \"%s\" },\n", scope, pattern);
}

void print_vscode_grammar(FILE *out)
{
    static const char *const behind[] = {"", "(?=\\\\s*\\\\()", "(?=\\\\s*=)"};
    fputs("{\n  \"name\": \"cnnc\",\n  \"scopeName\": \"source.cnnc\",\n  \"patterns\": [\n", out);
    print_pattern(out, "comment.line.number-sign", "#.*$");
    print_pattern(out, "string.quoted.double", "\\\"[^\\\"\\n]*\\\"");
    print_pattern(out, "constant.numeric", "\\\\b\\\\d+x\\\\d+\\\\b");
    print_pattern(out, "constant.numeric", "\\\\b\\\\d+(?:\\\\.\\\\d*)?(?:[eE][+-]?\\\\d+)?");
    for (int i = CLASS_COUNT - 1; i >= 0; i--) {
        fprintf(out, "    { \"name\": \"%s.cnnc\", \"match\": \"\\\\b(?:", classes[i].scope);
        print_words(out, &classes[i], "|");
        fprintf(out, ")\\\\b%s\" }%s\n", behind[classes[i].behind], i ? "," : "");
    }
    fputs("  ]\n}\n", out);
}
