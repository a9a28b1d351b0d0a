/* From texts to files: model.c and model.h, dependencies for make, and a trainer, for which the C compiler is called. */
#include "commands/command_line.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MOST_INPUT = 64 * 1024 * 1024 };

const char *text_of_input(const char *path, size_t *length)
{
    bool standard = !strcmp(path, "-");
    struct stat status;
    FILE *file = standard ? stdin : fopen(path, "rb");
    if (!file) command_error("%s: %s", path, strerror(errno));
    if (!standard && !fstat(fileno(file), &status) && S_ISDIR(status.st_mode)) command_error("%s: is a folder", path);
    Text text = {0};
    char part[65536];
    for (size_t got; (got = fread(part, 1, sizeof part, file)) > 0;) {
        text_add_bytes(&text, part, got);
        if (text.length > MOST_INPUT) command_error("%s: larger than %d MB, the limit for a network", path, MOST_INPUT / 1024 / 1024);
    }
    if (ferror(file)) command_error("%s: %s", path, strerror(errno));
    if (!standard) fclose(file);
    *length = text.length;
    return text.data ? text.data : "";
}

bool write_texts(const OutputText *texts, int count, Failure *failure)
{
    Writer writers[MOST_OUTPUTS] = {0};
    bool good = true;
    for (int i = 0; i < count && good; i++) good = write_begin(&writers[i], texts[i].path, failure);
    for (int i = 0; i < count && good; i++) {
        size_t length = texts[i].length ? texts[i].length : strlen(texts[i].text);
        good = fwrite(texts[i].text, 1, length, writers[i].stream) == length && !fflush(writers[i].stream);
        if (!good) fail(failure, "%s: cannot be written: %s", texts[i].path, strerror(errno));
    }
    for (int i = 0; i < count && good; i++) good = write_sync(&writers[i], failure); /* all, before the first takes its place */
    for (int i = 0; i < count && good; i++) good = write_end(&writers[i], failure);
    for (int i = 0; i < count; i++) write_abandon(&writers[i]);
    return good;
}

/* The network's tensors as files hold them, in the order of the source's. */
static int weight_tensors(const Graph *graph, CnncTensor *tensors)
{
    int count = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        const Tensor *tensor = graph->tensors[i];
        if (tensor->role != ROLE_WEIGHT) continue;
        tensors[count] = (CnncTensor){.name = tensor->name, .rank = tensor->shape.rank};
        for (int j = 0; j < tensor->shape.rank; j++) tensors[count].shape[j] = tensor->shape.size[j];
        count++;
    }
    return count;
}

/* The values of every weight, in the order of the source's tensors, from a safetensors file that holds just these. */
const float *const *read_weights(const char *path, const Graph *graph)
{
    Failure failure;
    TensorFile file = {0};
    CnncTensor *tensors = NEW_ARRAY(CnncTensor, graph->tensor_count + 1);
    const float **values = NEW_ARRAY(const float *, graph->tensor_count + 1);
    int count = weight_tensors(graph, tensors);
    if (!safetensors_read(path, &file, &failure) || !tensors_fit(&file, path, "", tensors, count, true, &failure)) command_error("%s", failure.text);
    for (int i = 0; i < count; i++) {
        const Array *array = safetensors_find(&file, tensors[i].name);
        float *copy = NEW_ARRAY(float, array_count(array) + 1);
        memcpy(copy, array->data, sizeof(float) * (size_t)array_count(array));
        values[i] = copy;
    }
    safetensors_free(&file);
    return values;
}

/* Where the runtime is: beside the program, as make leaves it, or where make install put it. */
static void find_runtime(const char **library, const char **include)
{
    char path[PATH_MAX];
    /* Where /proc is not mounted, what the program was started by has to do. */
    if (!realpath("/proc/self/exe", path) && !realpath((const char *)getauxval(AT_EXECFN), path)) command_error("cannot find out where cnnc lies: %s", strerror(errno));
    *strrchr(path, '/') = 0;
    static const char *const places[] = {"", "/../lib/cnnc"};
    for (int i = 0; i < 2; i++) {
        *library = memory_format("%s%s/libcnnc_runtime.a", path, places[i]);
        *include = memory_format("%s%s/include", path, places[i]);
        if (!access(*library, R_OK)) return;
    }
    command_error("the runtime, libcnnc_runtime.a, is neither beside %s/cnnc nor in %s/../lib/cnnc; run make, or make install", path, path);
}

/* Words of a variable such as CFLAGS, split at spaces; each becomes an argument. */
static void add_words(const char **arguments, int *count, const char *text)
{
    while (*text && *count < 200) {
        text += strspn(text, " \t\n");
        size_t length = strcspn(text, " \t\n");
        if (length) arguments[(*count)++] = memory_copy(text, length);
        text += length;
    }
}

/* ---- the folder of C files, and the programs that work in it: Ctrl-C ends these, then the folder is removed, then we end ---- */

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { ENDING_SIGNALS = sizeof ending_signals / sizeof *ending_signals };
static struct sigaction former[ENDING_SIGNALS];
static volatile sig_atomic_t ended_by, running; /* the signal; the process that it is handed on to */
static char open_folder[PATH_MAX];
static DIR *listing; /* of its files, opened while there is memory for it */

static void on_signal(int number)
{
    ended_by = number;
    if (running) kill(running, number);
}

void check_output_place(const char *path)
{
    Failure failure;
    Writer writer;
    struct stat status;
    if (!stat(path, &status) && !S_ISREG(status.st_mode)) command_error("%s: is not a regular file; it would be replaced", path);
    if (!write_begin(&writer, path, &failure)) command_error("%s", failure.text);
    write_abandon(&writer);
}

/* Also where the program ends by an error on the way. */
static void remove_folder(void)
{
    char path[PATH_MAX + sizeof ((struct dirent *)NULL)->d_name];
    if (!*open_folder) return;
    rewinddir(listing);
    for (struct dirent *entry; (entry = readdir(listing));) {
        snprintf(path, sizeof path, "%s/%s", open_folder, entry->d_name);
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) unlink(path);
    }
    closedir(listing);
    rmdir(open_folder);
    *open_folder = 0;
}

static const char *folder_begin(void)
{
    const char *temporary = getenv("TMPDIR");
    char *folder = memory_format("%s/cnnc-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (strlen(folder) >= sizeof open_folder) command_error("%s: too long a name", folder);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    for (int i = 0; i < ENDING_SIGNALS; i++) {
        sigaction(ending_signals[i], NULL, &former[i]);
        if (former[i].sa_handler != SIG_IGN) sigaction(ending_signals[i], &action, NULL);
    }
    bool made = mkdtemp(folder);
    listing = made ? opendir(folder) : NULL;
    int reason = errno;
    if (made && !listing) rmdir(folder);
    if (!listing) command_error("%s: cannot make a folder for the C files: %s", folder, strerror(reason));
    static bool registered;
    if (!registered) registered = !atexit(remove_folder);
    return strcpy(open_folder, folder);
}

static void folder_end(void)
{
    remove_folder();
    for (int i = 0; i < ENDING_SIGNALS; i++) sigaction(ending_signals[i], &former[i], NULL);
    if (ended_by) raise(ended_by);
}

/* Runs a command to its end, its standard output into a file where one is named. Returns why it could not begin, or 0. */
static int run_command(const char *const *arguments, const char *output, int *status)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    fflush(NULL);
    pid_t child;
    int reason = output ? posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600) : 0;
    if (!reason) reason = ended_by ? EINTR : posix_spawnp(&child, arguments[0], &actions, NULL, (char *const *)(const void *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    *status = -1;
    if (reason) return reason;
    running = child;
    if (ended_by) kill(child, ended_by); /* it came between the two */
    while (waitpid(child, status, 0) < 0)
        if (errno != EINTR) break;
    running = 0;
    return 0;
}

static bool ended_well(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The C compiler with our options, the user's, and these, which a NULL ends. */
static int run_compiler(const char *options, const char *const *rest, const char **name, int *status)
{
    const char *arguments[256];
    int count = 0;
    const char *compiler = getenv("CC"), *flags = getenv("CFLAGS");
    add_words(arguments, &count, compiler && *compiler ? compiler : "cc");
    add_words(arguments, &count, options);
    add_words(arguments, &count, flags ? flags : "");
    while (*rest) arguments[count++] = *rest++;
    arguments[count] = NULL;
    *name = arguments[0];
    return run_command(arguments, NULL, status);
}

const char *build_and_run(const char *source)
{
    const char *folder = folder_begin();
    const char *file = memory_format("%s/measure.c", folder), *program = memory_format("%s/measure", folder), *output = memory_format("%s/times", folder), *compiler;
    Failure failure;
    bool good = write_texts(&(OutputText){.path = file, .text = source}, 1, &failure);
    int reason = 0, hindrance = 0, compiled = -1, ran = -1;
    if (good) reason = run_compiler("-std=gnu11 -O2 -w", (const char *const[]){file, "-o", program, "-lm", NULL}, &compiler, &compiled);
    if (good && !reason && ended_well(compiled)) hindrance = run_command((const char *const[]){program, NULL}, output, &ran);
    size_t length;
    const char *text = ended_well(ran) ? text_of_input(output, &length) : NULL;
    folder_end();
    if (!good) command_error("%s", failure.text);
    if (reason) command_error("cannot run the C compiler %s: %s; CC names another", compiler, strerror(reason));
    if (!ended_well(compiled)) command_error("the program that measures was not built: %s failed", compiler);
    if (hindrance) command_error("the program that measures cannot be run: %s", strerror(hindrance));
    if (!text && !(WIFSIGNALED(ran) && WTERMSIG(ran) == SIGALRM)) command_error("the program that measures failed");
    return text;
}

/* The program, with the permissions that the linker gives: whatever else lay there is kept until it is whole. */
static bool put_program(const char *from, const char *to, Failure *failure)
{
    Writer writer = {0};
    char part[65536];
    mode_t mask = umask(0);
    umask(mask);
    FILE *program = fopen(from, "rb");
    if (!program) return fail(failure, "%s: cannot be read: %s", from, strerror(errno));
    bool good = write_begin(&writer, to, failure), written = good;
    for (size_t got; written && (got = fread(part, 1, sizeof part, program)) > 0;) written = fwrite(part, 1, got, writer.stream) == got;
    written = written && !ferror(program) && !fchmod(fileno(writer.stream), 0777 & ~mask);
    if (good && !written) fail(failure, "%s: cannot be written: %s", to, strerror(errno));
    good = written && write_end(&writer, failure);
    fclose(program);
    write_abandon(&writer);
    return good;
}

void build_trainer(const Options *o, const Generation *generation)
{
    check_output_place(o->output);
    const char *library, *include, *name = generation->source->name;
    find_runtime(&library, &include);
    const char *folder = folder_begin();
    const char *source = memory_format("%s/%s.c", folder, name), *table = memory_format("%s/%s_trainer.c", folder, name);
    const char *program = memory_format("%s/%s.program", folder, name);
    const char *header = memory_format("%s.h", name);
    const OutputText texts[] = {
        {.path = source, .text = generate_source(generation, header)},
        {.path = memory_format("%s/%s", folder, header), .text = generate_header(generation)},
        {.path = table, .text = generate_table(generation, header)},
    };
    Failure failure;
    if (!write_texts(texts, 3, &failure)) {
        folder_end();
        command_error("%s", failure.text);
    }
    const char *rest[] = {memory_format("-I%s", include), source, table, library, "-o", program, "-lcjson", "-lpng", "-lz", "-lm", generation->options.openblas ? "-lopenblas" : NULL, NULL};
    const char *compiler;
    int status, reason = run_compiler("-std=gnu11 -O2 -fopenmp", rest, &compiler, &status);
    bool built = !reason && ended_well(status), put = built && put_program(program, o->output, &failure);
    folder_end();
    if (reason) command_error("cannot run the C compiler %s: %s; CC names another", compiler, strerror(reason));
    if (!built) command_error("%s: not built: %s failed", o->output, compiler);
    if (!put) command_error("%s", failure.text);
}
