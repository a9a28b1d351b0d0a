/* Writing a file so that its place holds the old content or the new one at any moment, never a part: what is written
 * goes into a temporary file in the same folder, is synced to the disk, and is then renamed onto its place.
 *
 * Two things are kept: a symbolic link (the file it points to is replaced) and an existing file's permissions. What
 * is not a regular file (/dev/null, a pipe, a terminal) has no content to protect, and is written to directly.
 *
 * A writer that is killed leaves its temporary file. While it lives it holds a lock on it; the next writer of the same file
 * removes those that nobody holds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

enum { LINKS_FOLLOWED = 40, NAME_SHOWN = 200, ATTEMPTS = 16, DIGITS = 16 };

/* The length of the folder's part of a path, with its slash: 0 where there is none. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static char *join(const char *folder, size_t length, const char *name)
{
    char *path = malloc(length + strlen(name) + 1);
    if (path == NULL) return NULL;
    memcpy(path, folder, length);
    strcpy(path + length, name);
    return path;
}

/* What a path names after all symbolic links at its end, whether that exists or not. The caller frees it. */
static char *follow_links(const char *path, Failure *failure)
{
    char *place = join("", 0, path), target[PATH_MAX];
    for (int followed = 0; place != NULL; followed++) {
        struct stat status;
        if (lstat(place, &status) != 0 || !S_ISLNK(status.st_mode)) return place;
        ssize_t length = readlink(place, target, sizeof target - 1);
        if (length < 0 || followed == LINKS_FOLLOWED) {
            fail_file(failure, path, "cannot be followed to a file: %s", strerror(length < 0 ? errno : ELOOP));
            free(place);
            return NULL;
        }
        target[length] = '\0';
        char *next = join(place, target[0] == '/' ? 0 : folder_length(place), target);
        free(place);
        place = next;
    }
    fail_memory(failure, strlen(path) + 1, "a file's name");
    return NULL;
}

/* The number of the open file that a path such as /dev/stdout stands for, or -1. */
static int descriptor_of(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "/dev/stdout") == 0) return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0) return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t length = strlen(folders[i]);
        if (strncmp(path, folders[i], length) != 0) continue;
        size_t digits = strspn(path + length, "0123456789");
        if (digits > 0 && digits < 9 && path[length + digits] == '\0') return atoi(path + length);
    }
    return -1;
}

/* Opens what is not a regular file. A pipe that nobody reads is an error, not a wait. */
static int open_device(const char *path)
{
    int descriptor = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0) return -1;
    int flags = fcntl(descriptor, F_GETFL);
    if (flags >= 0 && fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) >= 0) return descriptor;
    close(descriptor);
    return -1;
}

/* Locks a temporary file of our own. False: it was swept away before we could. */
static bool hold(Writer *writer, int descriptor)
{
    struct stat status;
    writer->lock = fcntl(descriptor, F_DUPFD_CLOEXEC, 0); /* beyond the stream's end, until the file has its name */
    /* Where there are no locks nobody sweeps either. */
    return flock(descriptor, LOCK_EX) != 0 || fstat(descriptor, &status) != 0 || status.st_nlink > 0;
}

static void let_go(Writer *writer)
{
    free(writer->temporary);
    writer->temporary = NULL;
    if (writer->lock >= 0) close(writer->lock);
    writer->lock = -1;
}

/* Creates a file with a new name beside writer->path: writer->temporary. */
static int open_temporary(Writer *writer)
{
    size_t folder = folder_length(writer->path);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        uint64_t number;
        char name[NAME_SHOWN + 32];
        if (getrandom(&number, sizeof number, 0) != sizeof number) return -1;
        snprintf(name, sizeof name, ".%.*s.%0*llx.tmp", NAME_SHOWN, writer->path + folder, DIGITS, (unsigned long long)number);
        writer->temporary = join(writer->path, folder, name);
        if (writer->temporary == NULL) return -1;
        int descriptor = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        int error = errno;
        if (descriptor >= 0 && hold(writer, descriptor)) return descriptor;
        let_go(writer);
        if (descriptor >= 0) close(descriptor);
        errno = error;
        if (descriptor < 0 && error != EEXIST) return -1;
    }
    return -1;
}

/* Removes a temporary file that nobody holds. */
static void sweep_one(int folder, const char *name)
{
    int descriptor = openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) return;
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) unlinkat(folder, name, 0);
    close(descriptor);
}

/* Removes what killed writers of the same file left. That it cannot be removed is no failure. */
static void sweep(const Writer *writer)
{
    size_t length = folder_length(writer->path);
    char begin[NAME_SHOWN + 8];
    size_t begun = (size_t)snprintf(begin, sizeof begin, ".%.*s.", NAME_SHOWN, writer->path + length);
    char *folder = join(length ? writer->path : ".", length ? length : 1, "");
    DIR *directory = folder ? opendir(folder) : NULL;
    free(folder);
    if (directory == NULL) return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        const char *name = entry->d_name;
        if (strncmp(name, begin, begun) == 0 && strspn(name + begun, "0123456789abcdef") == DIGITS &&
            strcmp(name + begun + DIGITS, ".tmp") == 0)
            sweep_one(dirfd(directory), name);
    }
    closedir(directory);
}

/* Opens the file that will be renamed onto a regular file, or onto nothing. */
static int open_beside(Writer *writer, const char *path, const struct stat *existing, Failure *failure)
{
    if (existing && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0) {
        fail_file(failure, path, "must not be overwritten: %s", strerror(errno));
        return -1;
    }
    writer->path = follow_links(path, failure);
    if (writer->path == NULL) return -1;
    if (writer->path[folder_length(writer->path)] == '\0') {
        fail_file(failure, path, "names no file");
        return -1;
    }
    sweep(writer);
    int descriptor = open_temporary(writer);
    if (descriptor < 0) {
        fail_file(failure,
                  path,
                  "cannot be written: no file can be made in its folder %.*s: %s",
                  folder_length(writer->path) ? (int)folder_length(writer->path) : 1,
                  folder_length(writer->path) ? writer->path : ".",
                  strerror(errno));
        return -1;
    }
    if (existing && fchmod(descriptor, existing->st_mode & 0777) != 0) {
        fail_file(failure, path, "cannot be written with the permissions that it has: %s", strerror(errno));
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static int open_for_writing(Writer *writer, const char *path, Failure *failure)
{
    int descriptor = descriptor_of(path);
    struct stat status;
    bool exists = stat(path, &status) == 0;
    if (descriptor < 0 && !exists && errno != ENOENT) {
        fail_file(failure, path, "cannot be written: %s", strerror(errno));
        return -1;
    }
    if (descriptor < 0 && exists && S_ISDIR(status.st_mode)) {
        fail_file(failure, path, "is a folder; expected the name of a file");
        return -1;
    }
    if (descriptor < 0 && (!exists || S_ISREG(status.st_mode)))
        return open_beside(writer, path, exists ? &status : NULL, failure);

    descriptor = descriptor >= 0 ? fcntl(descriptor, F_DUPFD_CLOEXEC, 0) : open_device(path);
    if (descriptor < 0) {
        fail_file(failure, path, "cannot be written: %s", strerror(errno));
        return -1;
    }
    writer->path = join("", 0, path);
    if (writer->path != NULL) return descriptor;
    close(descriptor);
    fail_memory(failure, strlen(path) + 1, "a file's name");
    return -1;
}

bool write_begin(Writer *writer, const char *path, Failure *failure)
{
    *writer = (Writer){.lock = -1};
    int descriptor = open_for_writing(writer, path, failure);
    if (descriptor >= 0 && (writer->stream = fdopen(descriptor, "wb")) == NULL) {
        fail_file(failure, path, "cannot be written: %s", strerror(errno));
        close(descriptor);
    }
    if (writer->stream) return true;
    write_abandon(writer);
    return false;
}

bool write_bytes(Writer *writer, const void *data, size_t size, Failure *failure)
{
    errno = 0;
    if (fwrite(data, 1, size, writer->stream) == size) return true;
    return fail_file(failure, writer->path, "cannot be written: %s", strerror(errno));
}

bool write_sync(Writer *writer, Failure *failure)
{
    bool good = true;
    if (fflush(writer->stream) != 0)
        good = fail_file(failure, writer->path, "cannot be written: %s", strerror(errno));
    else if (ferror(writer->stream)) /* that failure's own reason is gone */
        good = fail_file(failure, writer->path, "could not be written completely; is the disk full?");
    else if (writer->temporary && fsync(fileno(writer->stream)) != 0)
        good = fail_file(failure, writer->path, "cannot be brought to the disk: %s", strerror(errno));
    if (fclose(writer->stream) != 0 && good) good = fail_file(failure, writer->path, "cannot be written: %s", strerror(errno));
    writer->stream = NULL;
    return good;
}

/* Renames the temporary file and syncs the folder, so that the new name survives a power failure too. */
static bool move_into_place(Writer *writer, Failure *failure)
{
    size_t length = folder_length(writer->path);
    char *name = join(length ? writer->path : ".", length ? length : 1, "");
    if (name == NULL) return fail_memory(failure, length + 1, "a folder's name");
    int folder = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int reason = errno;
    free(name);
    /* A folder may be open to writing and closed to reading: then its sync is left to the system. */
    if (folder < 0 && reason != EACCES)
        return fail_file(failure, writer->path, "its folder cannot be opened: %s", strerror(reason));

    bool good = true;
    if (rename(writer->temporary, writer->path) != 0) {
        good = fail_file(failure, writer->path, "cannot be replaced: %s", strerror(errno));
    } else {
        let_go(writer);
        /* EINVAL: a file system on which folders need no sync. */
        if (folder >= 0 && fsync(folder) != 0 && errno != EINVAL)
            good = fail_file(
                failure, writer->path, "is written, but its folder cannot be brought to the disk: %s", strerror(errno));
    }
    if (folder >= 0) close(folder);
    return good;
}

bool write_end(Writer *writer, Failure *failure)
{
    bool good = (!writer->stream || write_sync(writer, failure)) && (!writer->temporary || move_into_place(writer, failure));
    write_abandon(writer);
    return good;
}

void write_abandon(Writer *writer)
{
    if (writer->stream) fclose(writer->stream);
    if (writer->temporary) {
        unlink(writer->temporary);
        let_go(writer);
    }
    free(writer->path);
    *writer = (Writer){.lock = -1};
}
