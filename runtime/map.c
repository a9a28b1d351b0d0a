/* Maps on the command line and in the network's table, in the language's spelling: {0: 3, 7: 0.5}. */
#include "trainer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\n");
}

/* One `key: value`; NULL: it is none. */
static const char *read_item(const char *at, MapItem *item)
{
    char *end;
    errno = 0;
    item->key = strtoll(at, &end, 10);
    if (end == at || errno || item->key < 0) return NULL;
    at = skip_space(end);
    if (*at++ != ':') return NULL;
    item->value = strtod(at, &end);
    return end == at || !isfinite(item->value) ? NULL : skip_space(end);
}

static int by_key(const void *a, const void *b)
{
    int64_t x = ((const MapItem *)a)->key, y = ((const MapItem *)b)->key;
    return x < y ? -1 : x > y;
}

const MapItem *map_find(const MapItem *items, int count, int64_t key)
{
    return bsearch(&(MapItem){.key = key}, items, (size_t)count, sizeof *items, by_key);
}

MapItem *map_parse(const char *name, const char *text, const char *form, int *count, Failure *failure)
{
    MapItem *items = calloc(strlen(text) + 1, sizeof *items); /* no item takes less than a letter */
    const char *at = skip_space(text);
    *count = 0;
    if (!items) {
        fail(failure, "no memory for %s", name);
        return NULL;
    }
    bool good = *at == '{';
    at = good ? skip_space(at + 1) : at;
    while (good && *at != '}') {
        at = read_item(at, &items[(*count)++]);
        good = at && (*at == ',' || *at == '}');
        if (good && *at == ',') at = skip_space(at + 1);
    }
    if (!good || *skip_space(at + 1)) {
        fail(failure, "%s wants %s, not '%s'", name, form, text);
        free(items);
        return NULL;
    }
    qsort(items, (size_t)*count, sizeof *items, by_key);
    for (int i = 1; i < *count; i++) {
        if (items[i].key != items[i - 1].key) continue;
        fail(failure, "%s: %" PRId64 " stands twice in '%s'", name, items[i].key, text);
        free(items);
        return NULL;
    }
    return items;
}
