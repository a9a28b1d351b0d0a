/* The arena: what a run allocates lives until its end.
 *
 * Small pieces are cut from blocks; a large piece is a block of its own, so that a growing array can be
 * moved by realloc and leaves no copy behind. */
#include "cnnc.h"
#include "runtime.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 20, LARGE_BYTES = 1 << 16, ALIGNMENT = 16 };

typedef struct Block {
    struct Block *previous, *next;
    size_t bytes; /* in use, of those behind this head */
    size_t unused;
} Block;

static Block blocks = {&blocks, &blocks, 0, 0}; /* a ring; the block to cut from is the first after this head */

_Noreturn void memory_short(size_t bytes)
{
    fprintf(stderr, "cnnc: error: out of memory (%zu more bytes were needed)\n", bytes);
    exit(1);
}

static void link_block(Block *block, Block *after)
{
    block->previous = after;
    block->next = after->next;
    block->previous->next = block->next->previous = block;
}

/* Large pieces are refused before the system promises what it does not have. */
static bool fits(size_t bytes)
{
    Failure failure;
    return bytes <= SIZE_MAX / 2 && memory_fits(bytes, "", &failure);
}

static Block *block_new(size_t bytes, Block *after)
{
    Block *block = fits(bytes) ? calloc(1, sizeof(Block) + bytes) : NULL;
    if (!block) memory_short(bytes);
    block->bytes = bytes;
    link_block(block, after);
    return block;
}

void *memory_allocate(size_t bytes)
{
    if (bytes >= LARGE_BYTES) return block_new(bytes, blocks.previous) + 1; /* behind the others: not cut from */
    bytes = (bytes + !bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    Block *block = blocks.next;
    if (block->unused < bytes) {
        block = block_new(BLOCK_BYTES, &blocks);
        block->unused = BLOCK_BYTES;
    }
    char *piece = (char *)(block + 1) + (BLOCK_BYTES - block->unused);
    block->unused -= bytes;
    return piece;
}

void *memory_resize(void *piece, size_t old_bytes, size_t bytes)
{
    if (old_bytes < LARGE_BYTES) {
        void *grown = memory_allocate(bytes);
        if (old_bytes) memcpy(grown, piece, old_bytes);
        return grown;
    }
    Block *block = (Block *)piece - 1, *after = block->previous;
    after->next = block->next;
    block->next->previous = after;
    block = fits(bytes - old_bytes) ? realloc(block, sizeof(Block) + bytes) : NULL;
    if (!block) memory_short(bytes);
    block->bytes = bytes;
    link_block(block, after);
    memset((char *)(block + 1) + old_bytes, 0, bytes - old_bytes);
    return block + 1;
}

void *memory_grow(void *items, int *capacity, int count, size_t item_bytes)
{
    if (count < *capacity) return items;
    if (*capacity > INT32_MAX / 2) memory_short(SIZE_MAX);
    int more = *capacity ? *capacity * 2 : 8;
    items = memory_resize(items, (size_t)*capacity * item_bytes, (size_t)more * item_bytes);
    *capacity = more;
    return items;
}

char *memory_format(const char *format, ...)
{
    va_list arguments;
    char brief[256];
    va_start(arguments, format);
    int length = vsnprintf(brief, sizeof brief, format, arguments);
    va_end(arguments);
    if (length < 0) die("a format that cannot be printed: %s", format);
    if ((size_t)length < sizeof brief) return memory_copy(brief, (size_t)length);
    char *text = memory_allocate((size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

char *memory_join(const char *first, const char *second)
{
    size_t before = strlen(first), after = strlen(second);
    char *text = memory_allocate(before + after + 1);
    memcpy(text, first, before);
    memcpy(text + before, second, after);
    return text;
}

char *memory_copy(const char *text, size_t length)
{
    char *copy = memory_allocate(length + 1);
    memcpy(copy, text, length);
    return copy;
}

void memory_release(void)
{
    while (blocks.next != &blocks) {
        Block *block = blocks.next;
        blocks.next = block->next;
        free(block);
    }
    blocks.previous = &blocks;
}
