#include "shell.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/cnnc-shell-XXXXXX";

void shell_begin(void)
{
    char here[4096], tools[4200];
    cr_assert(getcwd(here, sizeof here));
    snprintf(tools, sizeof tools, "%s/tools", here);
    setenv("TOOLS", tools, 1);
    cr_assert(mkdtemp(folder));
    cr_assert(chdir(folder) == 0);
}

void shell_end(void)
{
    cr_assert(chdir("/") == 0);
    cr_assert(shell("rm -rf '%s'", folder)->status == 0);
}

const Said *shell(const char *format, ...)
{
    static Said said;
    char command[4096], whole[4200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole, "exec 2>&1; %s", command);
    FILE *pipe = popen(whole, "r");
    cr_assert(pipe);
    said.text[fread(said.text, 1, sizeof said.text - 1, pipe)] = '\0';
    int status = pclose(pipe);
    said.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    return &said;
}

void shell_expect(const Said *said, int status, const char *part, int line)
{
    cr_expect(said->status == status && strstr(said->text, part),
              "line %d: exit status %d and \"%s\" were expected; it is %d, and this was printed:\n%s",
              line,
              status,
              part,
              said->status,
              said->text);
}
