/* What names mean, and what layers are called.
 *
 * A body's scope sees the names above it in the text, wherever it is used. Scopes and numberings are kept one for each
 * depth of use and used again and again, so that a million rounds take no more memory than one. */
#include "language/expand.h"

#include <string.h>

Place scope_place(const Scope *scope, Span span)
{
    return (Place){span, scope->use};
}

bool expansion_stops(const Expansion *expansion)
{
    return expansion->stopped || diagnostics_full();
}

bool expansion_count(Expansion *expansion, int64_t *counter, int64_t more, int64_t limit, Place place, const char *what)
{
    *counter += more;
    if (*counter <= limit) return true;
    if (!expansion->stopped)
        diagnose(place, "the network needs too many %s when it is written out; the limit is %lld", what, (long long)limit);
    expansion->stopped = true;
    return false;
}

/* ---- scopes -------------------------------------------------------------------------------------------------- */

Scope *scope_enter(Expansion *expansion, int depth, Scope *parent, const Statement *body, const Place *use)
{
    if (!expansion->scopes[depth]) expansion->scopes[depth] = NEW(Scope);
    Scope *scope = expansion->scopes[depth], old = *scope;
    names_clear(&old.names);
    *scope = (Scope){.expansion = expansion,
                     .parent = parent,
                     .body = body,
                     .use = use,
                     .depth = depth,
                     .names = old.names,
                     .bindings = old.bindings,
                     .binding_capacity = old.binding_capacity};
    return scope;
}

/* ---- names ------------------------------------------------------------------------------------------------ */

/* What is defined further down in the text is not seen, so that a block means the same wherever it is used. */
Binding *scope_find(Scope *scope, const char *name, Span use, Scope **home)
{
    for (; scope; scope = scope->parent) {
        int number = names_find(&scope->names, name);
        if (number < 0 || scope->bindings[number].span.begin > use.begin) continue;
        *home = scope;
        return &scope->bindings[number];
    }
    return NULL;
}

Binding *scope_add(Scope *scope, const char *name, Span span)
{
    int number = names_find(&scope->names, name);
    if (number >= 0) {
        bool layer = scope->bindings[number].value.kind == VALUE_TENSOR && !scope->bindings[number].block;
        diagnose(scope_place(scope, span), "`%s` is defined twice%s", name, layer ? "; a layer that follows the one before it needs no name" : "");
        diagnose_note(scope_place(scope, scope->bindings[number].span), "first defined here");
        return NULL;
    }
    number = names_add(&scope->names, name);
    scope->bindings = memory_grow(scope->bindings, &scope->binding_capacity, number, sizeof(Binding));
    scope->bindings[number] = (Binding){.span = span};
    return &scope->bindings[number];
}

static const Statement *definition_of(const Scope *scope, const char *name)
{
    for (; scope; scope = scope->parent)
        for (const Statement *statement = scope->body; statement; statement = statement->next)
            if (statement->kind != STATEMENT_MODEL && statement->name && !strcmp(statement->name, name)) return statement;
    return NULL;
}

bool scope_report_order(Scope *scope, const char *name, Place place)
{
    const Statement *definition = definition_of(scope, name);
    if (!definition) return false;
    if (definition->name_span.begin > place.span.begin) {
        diagnose(place, "`%s` is used before its definition", name);
        diagnose_note(scope_place(scope, definition->name_span), "it is defined here");
    } else if (place.span.begin < definition->span.end) {
        diagnose(place, "`%s` is used in its own definition", name);
    } /* else it is above, and why it could not be defined was reported there */
    return true;
}

/* The layer that the summary calls so where it has no name of its own, conv2d for conv2d_1; NULL: none. */
static const Entry *automatically_named(const char *name)
{
    size_t length = strlen(name), base = length;
    while (base && name[base - 1] >= '0' && name[base - 1] <= '9') base--;
    bool numbered = base > 1 && base < length && name[base - 1] == '_';
    if (numbered) name = memory_copy(name, base - 1);
    return table_find(&activation_table, name) ? NULL : table_find(&layer_table, name); /* relu is rather a word out of place */
}

void scope_report_unknown(Scope *scope, const char *name, Place place)
{
    enum { MOST = 1000 };
    const char *candidates[MOST];
    int count = 0;
    Scope *home;
    const Binding *binding = scope_find(scope, name, place.span, &home);
    if (binding && binding->block) {
        diagnose(place, "`%s` is a block; what one use of it gives has a name where that stands, as in `a = %s(...)`", name, name);
        diagnose_note(scope_place(home, binding->span), "the block is defined here");
        return;
    }
    if (scope_report_order(scope, name, place)) return;
    for (; scope; scope = scope->parent)
        for (int i = scope->names.count - 1; i >= 0 && count < MOST; i--) candidates[count++] = scope->names.names[i].text;
    const char *closest = diagnostics_closest(name, candidates, count);
    const Entry *layer = automatically_named(name);
    if (layer)
        diagnose(place, "unknown name `%s`; a layer that is used by name needs one, as in `a = %s(...)`", name, layer->name);
    else if (closest)
        diagnose(place, "unknown name `%s`; did you mean `%s`?", name, closest);
    else
        diagnose(place, "unknown name `%s`", name);
}

/* ---- the numbering of layers ------------------------------------------------------------------------------------ */

/* Names that the body gives are kept free: automatic ones skip them. */
Naming *naming_enter(Expansion *expansion, int depth, const Naming *outer, const char *use_name, const Statement *body)
{
    if (!expansion->namings[depth]) expansion->namings[depth] = NEW(Naming);
    Naming *naming = expansion->namings[depth];
    naming->outer = outer;
    naming->use_name = use_name;
    names_clear(&naming->taken);
    names_clear(&naming->bases);
    for (; body; body = body->next)
        if (body->kind == STATEMENT_CALL && body->name) names_add(&naming->taken, body->name);
    return naming;
}

/* conv2d, conv2d_1, conv2d_2, ... as Keras numbers: the first that is free. */
static const char *number_name(Naming *naming, const char *base)
{
    int i = names_find(&naming->bases, base);
    if (i < 0) {
        i = names_add(&naming->bases, base);
        naming->next = memory_grow(naming->next, &naming->next_capacity, i, sizeof(int));
        naming->next[i] = 0;
    }
    for (;;) {
        int number = naming->next[i]++;
        const char *name = number ? memory_format("%s_%d", base, number) : base;
        int count = naming->taken.count;
        names_add(&naming->taken, name);
        if (naming->taken.count > count) return name;
    }
}

/* The name of a layer or of a block's use among its neighbours. */
const char *naming_local(Scope *scope, const Statement *statement)
{
    const char *name = statement->name;
    if (name && !scope->in_repeat) return name;
    const char *callee = statement->value->call.text;
    const Entry *layer = table_find(&layer_table, callee); /* prelu is p_re_lu, by whatever name it is called */
    return number_name(scope->naming, name ? name : layer ? layer->name : callee);
}

/* The name of a layer with those of the blocks around it, inception_1/a; NULL: too long. */
const char *naming_full(Scope *scope, const Statement *statement)
{
    const char *name = naming_local(scope, statement);
    size_t length = strlen(name), end;
    for (const Naming *naming = scope->naming; naming->outer; naming = naming->outer) length += strlen(naming->use_name) + 1;
    if (length > MAX_FULL_NAME) {
        diagnose(scope_place(scope, statement->span),
                 "with the names of the blocks around it the name of this layer is longer than %d letters",
                 MAX_FULL_NAME);
        return NULL;
    }
    char *full = memory_allocate(length + 1);
    end = length - strlen(name);
    memcpy(full + end, name, strlen(name));
    for (const Naming *naming = scope->naming; naming->outer; naming = naming->outer) {
        full[--end] = '/';
        end -= strlen(naming->use_name);
        memcpy(full + end, naming->use_name, strlen(naming->use_name));
    }
    return full;
}
