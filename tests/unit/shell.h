/* Shell commands, for the tests of the scripts in tools/: run in a folder of the test's own. */
#ifndef SHELL_H
#define SHELL_H

void shell_begin(void); /* goes to a new folder; $TOOLS is the path of tools/: a suite's .init */
void shell_end(void);   /* removes it: .fini */

/* What a command ended in: its exit status, or 1000 and the signal that killed it; and all that it printed. */
typedef struct {
    int status;
    char text[8192];
} Said;

const Said *shell(const char *format, ...) __attribute__((format(printf, 1, 2))); /* valid until the next call */

/* The command succeeded; or it failed with status 1; and what it printed contains the text. */
#define EXPECT_DONE(said, part) shell_expect(said, 0, part, __LINE__)
#define EXPECT_REFUSED(said, part) shell_expect(said, 1, part, __LINE__)
void shell_expect(const Said *, int status, const char *part, int line);

#endif
