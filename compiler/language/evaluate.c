/* Expressions.
 *
 * An expression is evaluated without knowing what it is for: `relu` is a word unless a let or a block's parameter has
 * that name, `adam(0.1)` stays a call. arguments.c then makes of the value what the row of the table wants.
 * Recursion is as deep as the text is nested; a chain 1+1+1+... is walked with a loop. */
#include "language/expand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

Span expression_span(const Expression *expression)
{
    Span span = expression->span;
    if (expression->kind != EXPRESSION_BINARY) return span;
    span.end = expression_span(expression->operands.right).end;
    for (; expression->kind == EXPRESSION_BINARY; expression = expression->operands.left)
        span.begin = expression->operands.left->span.begin;
    return span;
}

/* ---- numbers ---------------------------------------------------------------------------------------------- */

const char *number_text(double number)
{
    char text[64];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) break;
    }
    return memory_copy(text, strlen(text));
}

const char *value_text(const Value *value)
{
    switch (value->kind) {
    case VALUE_NONE: return "none";
    case VALUE_NUMBER: return number_text(value->number);
    case VALUE_BOOLEAN: return value->boolean ? "true" : "false";
    case VALUE_PAIR: return memory_format("the pair %lldx%lld", (long long)value->pair.first, (long long)value->pair.second);
    case VALUE_WORD: return memory_format("the word `%s`", value->text);
    case VALUE_STRING: return "a string";
    case VALUE_LIST: return "a list";
    case VALUE_MAP: return "a map";
    case VALUE_OBJECT: return memory_format("`%s`", value->object->entry->name);
    case VALUE_TENSOR: return memory_format("the layer `%s`", value->tensor_name);
    case VALUE_CALL: return memory_format("the call `%s(...)`", value->call->call.text);
    }
    die("a value of kind %d", (int)value->kind);
}

static bool want_number(Scope *scope, const Value *value)
{
    if (value->kind == VALUE_NUMBER) return true;
    if (value->kind == VALUE_WORD)
        scope_report_unknown(scope, value->text, value->place);
    else
        diagnose(value->place, "arithmetic is done with numbers, not with %s", value_text(value));
    return false;
}

static bool calculate(Scope *scope, const Expression *expression, Value *left, const Value *right)
{
    double a = left->number, b = right->number;
    Place at = scope_place(scope, expression->span);
    if (expression->operation == '/' && b == 0) {
        diagnose(at, "division by zero");
        return false;
    }
    switch (expression->operation) {
    case '+': left->number = a + b; break;
    case '-': left->number = a - b; break;
    case '*': left->number = a * b; break;
    case '/': left->number = a / b; break;
    }
    if (!isfinite(left->number)) diagnose(at, "the result is too large for a number; the largest is about 1.8e308");
    left->place.span.end = right->place.span.end;
    if (!left->defined_by) left->defined_by = right->defined_by;
    return isfinite(left->number);
}

/* Goes down the left operands to the first, then up again, with the operations on the way in an array. */
static bool evaluate_chain(Scope *scope, const Expression *last, Value *value)
{
    size_t count = 0;
    const Expression *first = last;
    for (; first->kind == EXPRESSION_BINARY; first = first->operands.left) count++;
    const Expression **operations = malloc(count * sizeof(Expression *));
    if (!operations) memory_short(count * sizeof(Expression *));
    size_t i = count;
    for (const Expression *at = last; at != first; at = at->operands.left) operations[--i] = at;
    bool good = evaluate(scope, first, value) && want_number(scope, value);
    for (i = 0; i < count && good; i++) {
        Value right;
        good = evaluate(scope, operations[i]->operands.right, &right) && want_number(scope, &right) &&
               calculate(scope, operations[i], value, &right);
    }
    free(operations);
    return good;
}

/* ---- expressions -------------------------------------------------------------------------------------------- */

static bool evaluate_name(Scope *scope, const Expression *expression, Value *value)
{
    const char *name = expression->call.text;
    Scope *home;
    Binding *binding = scope_find(scope, name, expression->span, &home);
    Place place = value->place;
    if (binding && !binding->block) {
        bool is_tensor = binding->value.kind == VALUE_TENSOR;
        *value = binding->value;
        value->place = place;
        return is_tensor || !binding->broken; /* the name of a broken layer may still be meant as a word */
    }
    value->kind = VALUE_WORD;
    value->text = name;
    return true;
}

static bool evaluate_items(Scope *scope, const Expression *expression, Value *value)
{
    Expansion *expansion = scope->expansion;
    int count = 0;
    for (const Item *item = expression->call.items; item; item = item->next) count++;
    if (!expansion_count(expansion, &expansion->values, count, MAX_VALUES, value->place, "arguments")) return false;
    value->kind = expression->kind == EXPRESSION_LIST ? VALUE_LIST : VALUE_MAP;
    value->list.items = NEW_ARRAY(Value, count);
    value->list.count = 0;
    bool good = true;
    for (const Item *item = expression->call.items; item && !expansion_stops(expansion); item = item->next)
        good = evaluate(scope, item->value, &value->list.items[value->list.count++]) && good;
    return good && !expansion_stops(expansion);
}

bool evaluate(Scope *scope, const Expression *expression, Value *value)
{
    Expansion *expansion = scope->expansion;
    *value = (Value){.place = scope_place(scope, expression->span), .written = true};
    if (!expansion_count(expansion, &expansion->evaluations, 1, MAX_EVALUATIONS, value->place, "calculations")) return false;
    switch (expression->kind) {
    case EXPRESSION_NUMBER:
        value->kind = VALUE_NUMBER;
        value->number = expression->number;
        return true;
    case EXPRESSION_PAIR:
        value->kind = VALUE_PAIR;
        value->pair.first = (int64_t)expression->pair.first;
        value->pair.second = (int64_t)expression->pair.second;
        return true;
    case EXPRESSION_STRING:
        value->kind = VALUE_STRING;
        value->text = expression->call.text;
        return true;
    case EXPRESSION_NAME: return evaluate_name(scope, expression, value);
    case EXPRESSION_NEGATE: {
        Value operand;
        if (!evaluate(scope, expression->operands.left, &operand) || !want_number(scope, &operand)) return false;
        value->kind = VALUE_NUMBER;
        value->number = -operand.number;
        value->defined_by = operand.defined_by;
        return true;
    }
    case EXPRESSION_BINARY: return evaluate_chain(scope, expression, value);
    case EXPRESSION_LIST:
    case EXPRESSION_MAP: return evaluate_items(scope, expression, value);
    case EXPRESSION_CALL:
        value->kind = VALUE_CALL;
        value->call = expression;
        value->scope = scope;
        return true;
    }
    die("an expression of kind %d", (int)expression->kind);
}
