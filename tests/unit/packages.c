/* tools/packages.sh on a machine of the test's own: a PATH with little in it but an apt-get that notes how it was called. */
#include "shell.h"

#include <criterion/criterion.h>
#include <string.h>

/* A command of that machine. */
static void add(const char *name, const char *script)
{
    cr_assert(shell("printf '#!/bin/sh\\n%%s\\n' '%s' > bin/%s && chmod +x bin/%s", script, name, name)->status == 0);
}

/* A machine without tools, whose user is number `user`, 0 being root. Its apt-get brings what a compiler and its libraries
 * bring. */
static void machine(const char *user)
{
    shell_begin();
    cr_assert(shell("mkdir bin && ln -s \"$(command -v env)\" \"$(command -v chmod)\" \"$(command -v touch)\" bin/")->status ==
              0);
    add("id", user);
    add("apt-get",
        "echo \"apt-get $*\" >> called; "
        "case $* in *install*) for name in cc flex bison; do echo > bin/$name; chmod +x bin/$name; done; esac");
    cr_assert(shell("touch called")->status == 0);
}

static const Said *packages(const char *groups)
{
    return shell("PATH=$PWD/bin CC= \"$TOOLS/packages.sh\" %s", groups);
}

static void as_root(void)
{
    machine("echo 0");
}

static void as_user(void)
{
    machine("echo 1000");
}

#define ALL "gcc libc6-dev flex bison libcjson-dev libpng-dev zlib1g-dev"

Test(packages, root_installs_what_is_missing, .init = as_root, .fini = shell_end)
{
    EXPECT_DONE(packages("build"), "Installing the packages that are missing: " ALL "\n");
    EXPECT_DONE(shell("cat called"), "update");
    EXPECT_DONE(shell("tail -n 1 called"), "install " ALL "\n");
    EXPECT_DONE(shell("wc -l < called"), "2");
    const Said *again = packages("build");
    EXPECT_DONE(again, "");
    cr_expect_str_eq(again->text, "", "%s", again->text);
    EXPECT_DONE(shell("wc -l < called"), "2");
}

Test(packages, only_those_of_the_goal_that_are_missing, .init = as_root, .fini = shell_end)
{
    add("cc", "");
    add("flex", "");
    add("wget", ""); /* serves as well as curl */
    EXPECT_DONE(packages("build"), "missing: bison\n");
    const Said *said = packages("data");
    cr_expect(!strstr(said->text, "curl"), "%s", said->text);
}

Test(packages, a_user_is_told_the_one_line, .init = as_user, .fini = shell_end)
{
    EXPECT_REFUSED(packages("build"), "\n    sudo apt-get update && sudo apt-get install -y --no-install-recommends " ALL "\n");
    EXPECT_DONE(shell("wc -l < called"), "0");
}

Test(packages, a_sudo_that_asks_is_not_used, .init = as_user, .fini = shell_end)
{
    add("sudo", "exit 1");
    EXPECT_REFUSED(packages("build"), "install -y --no-install-recommends " ALL "\n");
    EXPECT_DONE(shell("wc -l < called"), "0");
}

Test(packages, a_sudo_that_asks_not_is_used, .init = as_user, .fini = shell_end)
{
    add("sudo", "shift; echo sudo >> called; \"$@\"");
    add("true", "");
    EXPECT_DONE(packages("build"), "missing: " ALL "\n");
    EXPECT_DONE(shell("tail -n 2 called"), "sudo\napt-get");
}

Test(packages, without_apt_get_the_line_is_told_too, .init = as_root, .fini = shell_end)
{
    cr_assert(shell("rm bin/apt-get")->status == 0);
    EXPECT_REFUSED(packages("build"), "install -y --no-install-recommends " ALL "\n");
}

Test(packages, an_installation_that_fails_is_told, .init = as_root, .fini = shell_end)
{
    add("apt-get", "echo \"apt-get $*\" >> called; exit 100");
    EXPECT_REFUSED(packages("build"), "The installation failed");
    EXPECT_DONE(shell("wc -l < called"), "2");
}

Test(packages, a_compiler_that_no_package_brings_is_named, .init = as_root, .fini = shell_end)
{
    EXPECT_REFUSED(shell("PATH=$PWD/bin CC=no-such-compiler \"$TOOLS/packages.sh\" build"), "CC is no-such-compiler");
}
