/* Shell commands in a folder of the test's own: for tests of programs as their users see them.
 *
 * The commands find in their environment: $CNNC, the compiler; $ROOT, the checkout; $BUILD, where it was built; $CC and $CXX; $QUICK, flags
 * for trainers that need not be fast, with the sanitizers where $EMITTED_CFLAGS asks for them: CFLAGS="$QUICK" $CNNC model.net -o model.
 */
#ifndef SHELL_H
#define SHELL_H

#include <stdbool.h>

/* How a command ended: its exit status (128 and the signal where one killed it) and the beginning of what it wrote. */
typedef struct {
    int status;
    char out[1 << 18], err[1 << 18];
} Shell;

void shell_enter(void); /* makes a folder, and goes there: a suite's .init */
void shell_leave(void); /* removes it: .fini */

const Shell *shell(const char *format, ...) __attribute__((format(printf, 1, 2))); /* valid until the next call */
void shell_file(const char *path, const char *text);                               /* writes a file */
bool shell_has(const char *program);                                               /* whether there is such a command */

/* The command must succeed. */
#define shell_good(...)                                                                                                        \
    do {                                                                                                                       \
        const Shell *shell_ended = shell(__VA_ARGS__);                                                                         \
        cr_assert(shell_ended->status == 0, "status %d\n%s%s", shell_ended->status, shell_ended->out, shell_ended->err);       \
    } while (0)

/* The command must fail with status 1 and a message that contains these words, and must not talk on. */
#define shell_refused(words, ...)                                                                                              \
    do {                                                                                                                       \
        const Shell *shell_ended = shell(__VA_ARGS__);                                                                         \
        cr_expect(shell_ended->status == 1, "status %d\n%s%s", shell_ended->status, shell_ended->out, shell_ended->err);       \
        cr_expect(strstr(shell_ended->err, words), "\"%s\" is not in: %s", words, shell_ended->err);                           \
        cr_expect(strlen(shell_ended->err) < 2000, "too long a message: %s", shell_ended->err);                                \
    } while (0)

#endif
