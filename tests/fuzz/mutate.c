/* Changes that know the format: of a network whole statements and arguments drawn from the tables; of files with lengths and checksums
 * these are put right again, so that what lies behind them is reached. */
#include "fuzz.h"
#include "../random/draw.h"

#include <string.h>
#include <zlib.h>

extern size_t fuzz_mutate(const Harness *, uint8_t *bytes, size_t size, size_t most, uint32_t seed);
extern size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most); /* libFuzzer's own changes */

enum { MOST_UNPACKED = 4096 };

/* ---- networks --------------------------------------------------------------------------------------------------- */

/* A place where a line begins, or the end. */
static size_t line_at(Random *random, const uint8_t *bytes, size_t size)
{
    size_t at = size ? random_below(random, (uint32_t)size) : 0;
    while (at < size && at && bytes[at - 1] != '\n') at++;
    return at;
}

static size_t line_end(const uint8_t *bytes, size_t size, size_t at)
{
    const uint8_t *end = memchr(bytes + at, '\n', size - at);
    return end ? (size_t)(end - bytes) + 1 : size;
}

/* Puts `count` bytes in the place of `gone` at `at`; 0: there is no room. */
static size_t splice(uint8_t *bytes, size_t size, size_t most, size_t at, size_t gone, const char *text, size_t count)
{
    if (size - gone + count > most) return 0;
    memmove(bytes + at + count, bytes + at + gone, size - at - gone);
    memcpy(bytes + at, text, count);
    return size - gone + count;
}

/* The row that a call's name on this line means. */
static const Entry *entry_on_line(const uint8_t *bytes, size_t at, size_t end)
{
    for (size_t i = at; i < end; i++) {
        if (bytes[i] != '(') continue;
        size_t begin = i;
        while (begin > at && (bytes[begin - 1] == '_' || (bytes[begin - 1] >= '0' && bytes[begin - 1] <= '9') || (bytes[begin - 1] >= 'a' && bytes[begin - 1] <= 'z'))) begin--;
        for (int t = 0; all_tables[t]; t++) {
            const Entry *entry = table_find(all_tables[t], memory_copy((const char *)bytes + begin, i - begin));
            if (entry) return entry;
        }
    }
    return NULL;
}

static size_t network_mutate(uint8_t *bytes, size_t size, size_t most, uint32_t seed)
{
    static const char *const names[] = {"a", "b", "skip", "x"};
    Random random = random_begin(seed);
    const DrawContext context = {.layers = names, .layer_count = 4, .wild = random_one_in(&random, 4)};
    Text text = {0};
    size_t at = line_at(&random, bytes, size), end = line_end(bytes, size, at), changed = 0;
    switch (random_below(&random, 6)) {
    case 0: { /* a statement more */
        uint32_t kind = random_below(&random, 8);
        if (kind == 1) text_add(&text, "%s = ", names[random_below(&random, 4)]);
        draw_call(&random, &context, &text, draw_entry(&random, kind == 0 ? &statement_table : &layer_table));
        if (kind == 2) text_add(&text, "(%s, %s)", names[random_below(&random, 4)], names[random_below(&random, 4)]);
        text_add(&text, "\n");
        changed = splice(bytes, size, most, at, 0, text.data, text.length);
        break;
    }
    case 1: /* one less */
        changed = splice(bytes, size, most, at, end - at, "", 0);
        break;
    case 2: { /* one moved, or once more elsewhere */
        const char *line = memory_copy((const char *)bytes + at, end - at);
        size_t to = line_at(&random, bytes, size);
        changed = splice(bytes, size, most, to, 0, line, end - at);
        break;
    }
    case 3: { /* an argument more */
        const Entry *entry = entry_on_line(bytes, at, end);
        uint8_t *close = memchr(bytes + at, ')', end - at);
        int count = 0;
        while (entry && entry->parameters && entry->parameters[count].name) count++;
        if (!count || !close) break;
        const Parameter *p = &entry->parameters[random_below(&random, (uint32_t)count)];
        text_add(&text, ", %s=", p->name);
        if (draw_argument(&random, &context, &text, p)) changed = splice(bytes, size, most, (size_t)(close - bytes), 0, text.data, text.length);
        break;
    }
    case 4: { /* another number */
        size_t digit = at;
        while (digit < end && !(bytes[digit] >= '0' && bytes[digit] <= '9')) digit++;
        if (digit == end) break;
        static const char *const numbers[] = {"0", "1", "2", "3", "7", "16", "17", "64", "-1", "0.5", "65536", "2147483647", "1e30"};
        const char *number = numbers[random_below(&random, context.wild ? 13 : 7)];
        changed = splice(bytes, size, most, digit, 1, number, strlen(number));
        break;
    }
    default: break; /* libFuzzer's turn */
    }
    memory_release();
    return changed;
}

/* ---- safetensors: the length of the header -------------------------------------------------------------------------- */

static size_t safetensors_mutate(uint8_t *bytes, size_t size, size_t most, uint32_t seed)
{
    uint64_t header;
    if (size < 8 || seed % 4 == 0) return 0;
    memcpy(&header, bytes, 8);
    if (header > size - 8) return 0;
    size_t data = size - 8 - (size_t)header, room = most - data - 8;
    uint8_t *behind = malloc(data + 1);
    if (!behind) return 0;
    memcpy(behind, bytes + 8 + header, data);
    size_t changed = LLVMFuzzerMutate(bytes + 8, (size_t)header, room);
    memcpy(bytes + 8 + changed, behind, data);
    memcpy(bytes, &(uint64_t){changed}, 8);
    free(behind);
    return 8 + changed + data;
}

/* ---- gzip: what is packed ----------------------------------------------------------------------------------------------- */

static size_t gzip_mutate(uint8_t *bytes, size_t size, size_t most, uint32_t seed)
{
    static uint8_t plain[MOST_UNPACKED], packed[MOST_UNPACKED];
    if (size < 2 || bytes[0] != 0x1f || bytes[1] != 0x8b || seed % 4 == 0) return 0;
    z_stream stream = {.next_in = bytes, .avail_in = (uInt)size, .next_out = plain, .avail_out = sizeof plain};
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return 0;
    inflate(&stream, Z_FINISH);
    size_t length = stream.total_out;
    inflateEnd(&stream);
    length = LLVMFuzzerMutate(plain, length, sizeof plain / 2);
    stream = (z_stream){.next_in = plain, .avail_in = (uInt)length, .next_out = packed, .avail_out = sizeof packed};
    if (deflateInit2(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 1, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
    bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END && stream.total_out <= most;
    size_t total = stream.total_out;
    deflateEnd(&stream);
    if (!done) return 0;
    memcpy(bytes, packed, total);
    return total;
}

/* ---- PNG: checksums of chunks, and the packed pixels ------------------------------------------------------------------------ */

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void set_big_endian(uint8_t *bytes, uint32_t number)
{
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(number >> (24 - 8 * i));
}

static size_t png_mutate(uint8_t *bytes, size_t size, size_t most, uint32_t seed)
{
    if (seed % 8 == 0) return 0;
    size = LLVMFuzzerMutate(bytes, size, most);
    for (size_t at = 8; at + 12 <= size;) {
        uint32_t length = big_endian(bytes + at);
        if (length > size - at - 12) { /* the last one: as long as it can be */
            length = (uint32_t)(size - at - 12);
            set_big_endian(bytes + at, length);
        }
        set_big_endian(bytes + at + 8 + length, (uint32_t)crc32(0, bytes + at + 4, length + 4));
        at += 12 + length;
    }
    return size;
}

/* ---- which for which ------------------------------------------------------------------------------------------------------- */

/* Changes the bytes; returns their new number, or 0: libFuzzer's own changes are as good. */
size_t fuzz_mutate(const Harness *harness, uint8_t *bytes, size_t size, size_t most, uint32_t seed)
{
    static const struct {
        const char *name;
        size_t (*mutate)(uint8_t *bytes, size_t size, size_t most, uint32_t seed);
    } own[] = {
        {"network", network_mutate}, {"front_end", network_mutate}, {"safetensors", safetensors_mutate}, {"checkpoint", safetensors_mutate}, {"idx", gzip_mutate}, {"png", png_mutate},
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!strcmp(harness->name, own[i].name)) return own[i].mutate(bytes, size, most, seed);
    return 0;
}
