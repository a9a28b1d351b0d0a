/* How much memory there is to be had. Linux grants more than it has and ends a process when that is found out, so what is large is
 * held against this first, and refused with its size. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

/* The number behind a word at the begin of a line ("MemAvailable:"), or with an empty word at the file's begin. False: not there. */
static bool read_number(const char *path, const char *word, uint64_t *number)
{
    char line[256];
    FILE *file = fopen(path, "r");
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file)) {
        const char *text = line + strlen(word);
        if (strncmp(line, word, strlen(word))) continue;
        char *end;
        errno = 0;
        *number = strtoull(text, &end, 10);
        found = end > text && !errno;
    }
    if (file) fclose(file);
    return found;
}

/* The two versions of control groups: where they are, and what their files are called. */
static const struct {
    const char *folder, *mark, *limit, *used, *cache;
} versions[] = {
    {"", "0::", "memory.max", "memory.current", "file "},
    {"/memory", ":memory:", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache "},
};

/* What a control group leaves; the files that the system keeps in memory make room. */
static uint64_t left_in_group(const char *folder, int version)
{
    char path[3][1400];
    const char *const names[] = {versions[version].limit, versions[version].used, "memory.stat"};
    for (int i = 0; i < 3; i++) snprintf(path[i], sizeof path[i], "%s/%s", folder, names[i]);
    uint64_t limit, used, cache = 0;
    if (!read_number(path[0], "", &limit) || !read_number(path[1], "", &used)) return UINT64_MAX;
    read_number(path[2], versions[version].cache, &cache);
    used -= cache < used ? cache : used;
    return used < limit ? limit - used : 0;
}

uint64_t memory_left_at(const char *meminfo, const char *own_groups, const char *groups)
{
    uint64_t kilobytes, swap = 0, left = UINT64_MAX;
    char line[1024], folder[1300];
    if (read_number(meminfo, "MemAvailable:", &kilobytes)) {
        read_number(meminfo, "SwapFree:", &swap);
        left = (kilobytes + swap) * 1024;
    }
    FILE *file = fopen(own_groups, "r");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        for (int version = 0; version < 2; version++) {
            const char *mark = strstr(line, versions[version].mark);
            if (!mark) continue;
            size_t begun = (size_t)snprintf(folder, sizeof folder, "%s%s", groups, versions[version].folder);
            snprintf(folder + begun, sizeof folder - begun, "%s", mark + strlen(versions[version].mark));
            for (char *slash = folder; slash; slash = strrchr(folder + begun, '/')) { /* the group, and those that it is in */
                if (slash > folder) *slash = '\0';
                uint64_t here = left_in_group(folder, version);
                left = here < left ? here : left;
            }
        }
    }
    if (file) fclose(file);
    return left;
}

bool memory_fits(size_t bytes, const char *purpose, Failure *failure)
{
    if (bytes < MEMORY_SMALL) return true;
    uint64_t left = memory_left_at("/proc/meminfo", "/proc/self/cgroup", "/sys/fs/cgroup");
    return bytes <= left || fail(failure,
                                 "no memory for %s: %zu bytes (%.1f MB) are wanted, and %.1f MB are left on this machine",
                                 purpose,
                                 bytes,
                                 (double)bytes / 1e6,
                                 (double)left / 1e6);
}
