/* The emitted C of a network, compiled and loaded into the process of a test: see emitted.h. What was emitted and
 * compiled stays in $BUILD/emitted for whoever looks into a failure. */
#include "emitted.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GUARD = 64 };

static void *library_loaded; /* the last one; it knows its OpenMP */

static const char *environment(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value && *value ? value : fallback;
}

/* Runs a shell command; on failure `problem` receives it and the beginning of what it printed. */
static bool run(const char *folder, char *problem, size_t size, const char *format, ...)
{
    char command[2048], whole[4096], log[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    snprintf(log, sizeof log, "%s/log", folder);
    snprintf(whole, sizeof whole, "( %s ) >'%s' 2>&1", command, log);
    int status = system(whole);
    if (status == 0) return true;
    int used = snprintf(problem, size, "exit status %d from: %s\n", WIFEXITED(status) ? WEXITSTATUS(status) : status, command);
    FILE *file = fopen(log, "r");
    if (file && used > 0 && (size_t)used < size) {
        size_t length = fread(problem + used, 1, size - (size_t)used - 1, file);
        problem[(size_t)used + length] = '\0';
    }
    if (file) fclose(file);
    return false;
}

/* One file to an object: apart from the other, so that a compiler cache knows it again. */
static bool compile(const char *folder, const char *name, char *problem, size_t size)
{
    return run(folder,
               problem,
               size,
               "%s -std=c11 %s %s -fPIC -DCNNC_NO_MAIN -Iruntime '-I%s' -c '%s/%s.c' -o '%s/%s.o'",
               environment("CC", "cc"),
               environment("EMITTED_CFLAGS", "-O2"),
               environment("EMITTED_OPENMP", "-fopenmp"),
               folder,
               folder,
               name,
               folder,
               name);
}

const CnncModel *emitted_load(const char *net, char *problem, size_t size)
{
    return emitted_load_with(net, "", problem, size);
}

const CnncModel *emitted_load_with(const char *net, const char *options, char *problem, size_t size)
{
    const char *build = environment("BUILD", "build");
    char name[256], folder[512], library[768];
    snprintf(name, sizeof name, "%s", net);
    char *suffix = strrchr(name, '.');
    if (suffix) *suffix = '\0';
    for (char *c = name; *c; c++)
        if (*c == '/') *c = '_';
    snprintf(folder, sizeof folder, "%s/emitted", build);
    mkdir(folder, 0777);
    snprintf(folder, sizeof folder, "%s/emitted/%s", build, name);
    mkdir(folder, 0777);
    snprintf(library, sizeof library, "%s%s/model.so", folder[0] == '/' ? "" : "./", folder);

    /* Tests run side by side, and two of them may want the same network: one after the other. */
    char lock[640];
    snprintf(lock, sizeof lock, "%s/lock", folder);
    int descriptor = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    if (descriptor < 0 || flock(descriptor, LOCK_EX)) {
        snprintf(problem, size, "%s cannot be locked", lock);
        return NULL;
    }
    bool made = run(folder, problem, size, "'%s/cnnc' %s '%s' -o '%s/model.c'", build, options, net, folder) &&
                run(folder, problem, size, "'%s/cnnc' %s '%s' --emit=trainer -o '%s/model_trainer.c'", build, options, net, folder) &&
                compile(folder, "model", problem, size) && compile(folder, "model_trainer", problem, size) &&
                run(folder, problem, size, "%s %s %s -shared '%s/model.o' '%s/model_trainer.o' -o '%s' -lm", environment("CC", "cc"), environment("EMITTED_CFLAGS", "-O2"), environment("EMITTED_OPENMP", "-fopenmp"), folder, folder, library);
    if (!made) {
        close(descriptor);
        return NULL;
    }
    setenv("OMP_WAIT_POLICY", "passive", 0); /* tests run side by side: nobody waits at the cost of the others */
    library_loaded = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    close(descriptor);
    const CnncModel *model = library_loaded ? dlsym(library_loaded, "cnnc_model") : NULL;
    if (!model) {
        snprintf(problem, size, "%s", dlerror());
        return NULL;
    }
    if (model->runtime_version != CNNC_RUNTIME_VERSION) {
        snprintf(problem, size, "%s is for version %d of the runtime", library, model->runtime_version);
        return NULL;
    }
    return model;
}

size_t emitted_count(int rank, const int64_t *shape)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)shape[i];
    return count;
}

void emitted_threads(int count)
{
    void (*set)(int);
    *(void **)&set = dlsym(library_loaded, "omp_set_num_threads");
    if (set) set(count);
}

void *emitted_memory(size_t size)
{
    size_t whole = (size + GUARD + 63) / 64 * 64;
    void *memory = aligned_alloc(64, whole);
    if (!memory) abort();
    memset(memory, 0xff, whole); /* as float32: NaN */
    return memory;
}

bool emitted_memory_intact(const void *memory, size_t size)
{
    const unsigned char *guard = (const unsigned char *)memory + size;
    for (int i = 0; i < GUARD; i++)
        if (guard[i] != 0xff) return false;
    return true;
}
