/* A set of names that numbers them in the order of their arrival, so that whoever uses it keeps what
 * belongs to a name in an array of his own. Then, the row of a table by its name. */
#include "cnnc.h"

#include <string.h>

static uint32_t hash_of(const char *text, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return (uint32_t)(hash ^ hash >> 32);
}

/* The slot that holds the name, or the free one where it belongs. There always is a free one. */
static int slot_of(const Names *names, const char *text, size_t length, uint32_t hash)
{
    uint32_t mask = (uint32_t)names->slot_count - 1, slot = hash & mask;
    for (; names->slots[slot]; slot = (slot + 1) & mask) {
        const Name *name = &names->names[names->slots[slot] - 1];
        if (name->hash == hash && !strncmp(name->text, text, length) && !name->text[length]) break;
    }
    return (int)slot;
}

int names_find(const Names *names, const char *text)
{
    if (!names->slot_count) return -1;
    size_t length = strlen(text);
    return names->slots[slot_of(names, text, length, hash_of(text, length))] - 1;
}

static void make_room(Names *names)
{
    names->names = memory_grow(names->names, &names->capacity, names->count, sizeof(Name));
    if (names->count * 2 < names->slot_count) return;
    names->slots = memory_grow(names->slots, &names->slot_count, names->slot_count, sizeof(int));
    memset(names->slots, 0, (size_t)names->slot_count * sizeof(int));
    uint32_t mask = (uint32_t)names->slot_count - 1;
    for (int i = 0; i < names->count; i++) {
        uint32_t slot = names->names[i].hash & mask;
        while (names->slots[slot]) slot = (slot + 1) & mask;
        names->slots[slot] = i + 1;
    }
}

static int add(Names *names, const char *text, size_t length, bool copy)
{
    uint32_t hash = hash_of(text, length);
    make_room(names);
    int *slot = &names->slots[slot_of(names, text, length, hash)];
    if (!*slot) {
        names->names[names->count] = (Name){copy ? memory_copy(text, length) : text, hash};
        *slot = ++names->count;
    }
    return *slot - 1;
}

int names_add(Names *names, const char *text)
{
    return add(names, text, strlen(text), false);
}

const char *names_intern(Names *names, const char *text, size_t length)
{
    int number = add(names, text, length, true);
    return names->names[number].text;
}

void names_clear(Names *names)
{
    for (int i = 0; i < names->count; i++) {
        uint32_t mask = (uint32_t)names->slot_count - 1, slot = names->names[i].hash & mask;
        while (names->slots[slot] != i + 1) slot = (slot + 1) & mask;
        names->slots[slot] = 0;
    }
    names->count = 0;
}

static const Entry *entry_named(const Table *table, const char *name)
{
    for (int i = 0; i < table->count; i++)
        if (!strcmp(table->entries[i]->name, name)) return table->entries[i];
    return NULL;
}

const Entry *table_find(const Table *table, const char *name)
{
    const Entry *entry = entry_named(table, name);
    if (!entry || !entry->alias_of) return entry;
    const Entry *meant = entry_named(table, entry->alias_of);
    if (!meant) die("%s %s is another name of %s, which is not there", table->kind, name, entry->alias_of);
    return meant;
}
