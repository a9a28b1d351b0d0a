/* Packed weights as a file of their own, which a program maps or finds in flash and reads where they are: this header, then the struct of
 * weights as it lies in memory, little-endian. cnnc writes it (compiler/emission/blob.c); emitted code holds a copy of what checks it. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    char magic[8];     /* CNNCBLOB */
    uint32_t version;  /* 1 */
    uint32_t header;   /* bytes before the weights: 64, so that they are aligned as the blob is */
    uint64_t model;    /* of which network, packed in which way: a hash */
    uint64_t bytes;    /* of the weights */
    uint64_t checksum; /* of the weights */
    uint8_t rest[24];  /* zeros */
} BlobHeader;

/* 64-bit FNV-1a, a word at a time: each step can be undone, so no change of a single word goes unseen. */
static inline uint64_t blob_checksum(const void *from, uint64_t bytes)
{
    const char *at = (const char *)from;
    uint64_t sum = 0xcbf29ce484222325u;
    for (uint64_t i = 0; i < bytes; i += 4) {
        uint32_t word;
        memcpy(&word, at + i, sizeof word);
        sum = (sum ^ word) * 0x100000001b3u;
    }
    return sum;
}

/* What is wrong with a blob that should hold so many bytes of weights of that model; NULL: nothing. */
static inline const char *blob_error(const void *blob, size_t size, uint64_t model, uint64_t bytes)
{
    BlobHeader header;
    if (!blob || size < sizeof header) return "there is no blob of weights: fewer bytes than its header has";
    if ((uintptr_t)blob % 64) return "the blob does not lie at a multiple of 64 bytes";
    memcpy(&header, blob, sizeof header);
    if (memcmp(header.magic, "CNNCBLOB", sizeof header.magic)) return "this is no blob of weights that cnnc wrote";
    if (header.version != 1 || header.header != sizeof header) return "the blob is of another version of cnnc: write it anew";
    if (header.model != model || header.bytes != bytes) return "the blob is of another network, or was written with other options than this code";
    if (size != sizeof header + bytes) return "the blob is cut short, or longer than it should be";
    if (header.checksum != blob_checksum((const char *)blob + sizeof header, bytes)) return "the blob's checksum is wrong: its weights are damaged";
    return NULL;
}
