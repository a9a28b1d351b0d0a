/* Text for --dump: the syntax tree, and the layers that it expands to. */
#include "cnnc.h"

#include <stdlib.h>

/* ---- the syntax tree --------------------------------------------------------------------------------------- */

static void dump_expression(FILE *out, const Expression *);

static void dump_items(FILE *out, const Item *item)
{
    for (const Item *at = item; at; at = at->next) {
        if (at != item) fputs(", ", out);
        if (at->name) fprintf(out, at->value ? "%s=" : "%s", at->name);
        if (at->value) dump_expression(out, at->value);
    }
}

static int precedence(const Expression *expression)
{
    if (expression->kind == EXPRESSION_BINARY) return expression->operation == '+' || expression->operation == '-' ? 1 : 2;
    return expression->kind == EXPRESSION_NEGATE ? 3 : 4;
}

static void dump_operand(FILE *out, const Expression *operand, int least)
{
    bool parentheses = precedence(operand) < least;
    if (parentheses) fputc('(', out);
    dump_expression(out, operand);
    if (parentheses) fputc(')', out);
}

/* The operations from the first to the last, with a loop: a chain may be longer than the stack is deep. */
static void dump_chain(FILE *out, const Expression *last)
{
    size_t count = 0;
    const Expression *first = last;
    for (; first->kind == EXPRESSION_BINARY; first = first->operands.left) count++;
    const Expression **operations = malloc(count * sizeof(Expression *));
    if (!operations) memory_short(count * sizeof(Expression *));
    size_t i = count;
    for (const Expression *at = last; at != first; at = at->operands.left) operations[--i] = at;
    for (i = 1; i < count; i++)
        if (precedence(operations[i - 1]) < precedence(operations[i])) fputc('(', out);
    dump_operand(out, first, precedence(operations[0]));
    for (i = 0; i < count; i++) {
        fprintf(out, " %c ", operations[i]->operation);
        dump_operand(out, operations[i]->operands.right, precedence(operations[i]) + 1);
        if (i + 1 < count && precedence(operations[i]) < precedence(operations[i + 1])) fputc(')', out);
    }
    free(operations);
}

static void dump_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '\n')
            fputs("\\n", out);
        else if (*text == '\t')
            fputs("\\t", out);
        else
            fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    }
    fputc('"', out);
}

static void dump_expression(FILE *out, const Expression *expression)
{
    switch (expression->kind) {
    case EXPRESSION_NUMBER: fputs(number_text(expression->number), out); break;
    case EXPRESSION_PAIR: fprintf(out, "%.0fx%.0f", expression->pair.first, expression->pair.second); break;
    case EXPRESSION_STRING: dump_string(out, expression->call.text); break;
    case EXPRESSION_NAME: fputs(expression->call.text, out); break;
    case EXPRESSION_NEGATE:
        fputc('-', out);
        dump_operand(out, expression->operands.left, 3);
        break;
    case EXPRESSION_BINARY: dump_chain(out, expression); break;
    case EXPRESSION_LIST:
        fputc('[', out);
        dump_items(out, expression->call.items);
        fputc(']', out);
        break;
    case EXPRESSION_MAP:
        fputc('{', out);
        for (const Item *key = expression->call.items; key; key = key->next->next) {
            dump_expression(out, key->value);
            fputs(": ", out);
            dump_expression(out, key->next->value);
            if (key->next->next) fputs(", ", out);
        }
        fputc('}', out);
        break;
    case EXPRESSION_CALL:
        fprintf(out, "%s(", expression->call.text);
        dump_items(out, expression->call.items);
        fputc(')', out);
        break;
    }
}

static void dump_body(FILE *out, const Statement *statement, int depth)
{
    for (; statement; statement = statement->next) {
        fprintf(out, "%*s", 4 * depth, "");
        switch (statement->kind) {
        case STATEMENT_MODEL: fprintf(out, "model %s", statement->name); break;
        case STATEMENT_LET:
            fprintf(out, "let %s = ", statement->name);
            dump_expression(out, statement->value);
            break;
        case STATEMENT_CALL:
            if (statement->name) fprintf(out, "%s = ", statement->name);
            dump_expression(out, statement->value);
            if (!statement->has_inputs) break;
            fputc('(', out);
            dump_items(out, statement->inputs);
            fputc(')', out);
            break;
        case STATEMENT_BLOCK:
            fprintf(out, "block %s(", statement->name);
            dump_items(out, statement->parameters);
            fputc(')', out);
            break;
        case STATEMENT_REPEAT:
            fputs("repeat ", out);
            dump_expression(out, statement->value);
            break;
        }
        if (statement->kind == STATEMENT_BLOCK || statement->kind == STATEMENT_REPEAT) {
            fputs(" {\n", out);
            dump_body(out, statement->body, depth + 1);
            fprintf(out, "%*s}", 4 * depth, "");
        }
        fputc('\n', out);
    }
}

void dump_statements(FILE *out, const Statement *statements)
{
    dump_body(out, statements, 0);
}

/* ---- layers ---------------------------------------------------------------------------------------------------- */

void dump_value(FILE *out, const Value *value, bool defaults)
{
    switch (value->kind) {
    case VALUE_NONE: fputs("none", out); break;
    case VALUE_NUMBER: fputs(number_text(value->number), out); break;
    case VALUE_BOOLEAN: fputs(value->boolean ? "true" : "false", out); break;
    case VALUE_PAIR: fprintf(out, "%lldx%lld", (long long)value->pair.first, (long long)value->pair.second); break;
    case VALUE_WORD: fputs(value->text, out); break;
    case VALUE_STRING: dump_string(out, value->text); break;
    case VALUE_LIST:
    case VALUE_MAP:
        fputc(value->kind == VALUE_LIST ? '[' : '{', out);
        for (int i = 0; i < value->list.count; i++) {
            if (i) fputs(value->kind == VALUE_MAP && i % 2 ? ": " : ", ", out);
            dump_value(out, &value->list.items[i], defaults);
        }
        fputc(value->kind == VALUE_LIST ? ']' : '}', out);
        break;
    case VALUE_OBJECT: dump_object(out, value->object, defaults); break;
    case VALUE_TENSOR: fputs(value->tensor->name, out); break;
    case VALUE_CALL: die("a call that was not checked");
    }
}

void dump_object(FILE *out, const Object *object, bool defaults)
{
    const char *separator = "";
    fprintf(out, "%s(", object->entry->name);
    for (int i = 0; object->entry->parameters && object->entry->parameters[i].name; i++) {
        if (!object->values[i].written && !defaults) continue;
        fprintf(out, "%s%s=", separator, object->entry->parameters[i].name);
        dump_value(out, &object->values[i], defaults);
        separator = ", ";
    }
    fputc(')', out);
}

void dump_layers(FILE *out, const Graph *graph)
{
    for (int i = 0; i < graph->layer_count; i++) {
        const LayerUse *use = &graph->layers[i];
        fprintf(out, "%s = ", use->name);
        dump_object(out, use->arguments, false);
        for (int j = 0; j < use->input_count; j++) fprintf(out, "%s%s", j ? ", " : " <- ", use->inputs[j]->name);
        fputc('\n', out);
    }
}
