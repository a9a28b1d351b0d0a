/* The scripts that make a checkout work: tools/packages.sh and tools/get_mnist.sh. */
#include "patience.h"
#include "shell.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The command succeeded, or failed with status 1, and what it printed (with 2>&1: both streams) contains the words. */
static void expect(const Shell *ended, int status, const char *words, int line)
{
    cr_expect(ended->status == status && strstr(ended->out, words),
              "line %d: exit status %d and \"%s\" were expected; it is %d, and this was printed:\n%s%s",
              line,
              status,
              words,
              ended->status,
              ended->out,
              ended->err);
}
#define EXPECT_DONE(ended, words) expect(ended, 0, words, __LINE__)
#define EXPECT_REFUSED(ended, words) expect(ended, 1, words, __LINE__)

/* ---- packages.sh, on a machine of the test's own: a PATH with little in it but an apt-get that notes how it was called -- */

/* A command of that machine. */
static void add(const char *name, const char *script)
{
    cr_assert(shell("printf '#!/bin/sh\\n%%s\\n' '%s' > bin/%s && chmod +x bin/%s", script, name, name)->status == 0);
}

/* A machine without tools, whose user is number `user`, 0 being root. Its apt-get brings what a compiler and its libraries
 * bring. */
static void machine(const char *user)
{
    shell_enter();
    cr_assert(shell("mkdir bin && ln -s \"$(command -v env)\" \"$(command -v chmod)\" \"$(command -v touch)\" bin/")->status ==
              0);
    add("id", user);
    add("apt-get",
        "echo \"apt-get $*\" >> called; "
        "case $* in *install*) for name in cc flex bison; do echo > bin/$name; chmod +x bin/$name; done; esac");
    cr_assert(shell("touch called")->status == 0);
}

static const Shell *packages(const char *groups)
{
    return shell("exec 2>&1; PATH=$PWD/bin CC= \"$ROOT/tools/packages.sh\" %s", groups);
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

Test(packages, root_installs_what_is_missing, .init = as_root, .fini = shell_leave)
{
    EXPECT_DONE(packages("build"), "Installing the packages that are missing: " ALL "\n");
    EXPECT_DONE(shell("cat called"), "update");
    EXPECT_DONE(shell("tail -n 1 called"), "install " ALL "\n");
    EXPECT_DONE(shell("wc -l < called"), "2");
    const Shell *again = packages("build");
    EXPECT_DONE(again, "");
    cr_expect_str_eq(again->out, "", "%s", again->out);
    EXPECT_DONE(shell("wc -l < called"), "2");
}

Test(packages, only_those_of_the_goal_that_are_missing, .init = as_root, .fini = shell_leave)
{
    add("cc", "");
    add("flex", "");
    add("wget", ""); /* serves as well as curl */
    EXPECT_DONE(packages("build"), "missing: bison\n");
    const Shell *said = packages("data");
    cr_expect(!strstr(said->out, "curl"), "%s", said->out);
}

Test(packages, a_user_is_told_the_one_line, .init = as_user, .fini = shell_leave)
{
    EXPECT_REFUSED(packages("build"), "\n    sudo apt-get update && sudo apt-get install -y --no-install-recommends " ALL "\n");
    EXPECT_DONE(shell("wc -l < called"), "0");
}

Test(packages, a_sudo_that_asks_is_not_used, .init = as_user, .fini = shell_leave)
{
    add("sudo", "exit 1");
    EXPECT_REFUSED(packages("build"), "install -y --no-install-recommends " ALL "\n");
    EXPECT_DONE(shell("wc -l < called"), "0");
}

Test(packages, a_sudo_that_asks_not_is_used, .init = as_user, .fini = shell_leave)
{
    add("sudo", "shift; echo sudo >> called; \"$@\"");
    add("true", "");
    EXPECT_DONE(packages("build"), "missing: " ALL "\n");
    EXPECT_DONE(shell("tail -n 2 called"), "sudo\napt-get");
}

Test(packages, without_apt_get_the_line_is_told_too, .init = as_root, .fini = shell_leave)
{
    cr_assert(shell("rm bin/apt-get")->status == 0);
    EXPECT_REFUSED(packages("build"), "install -y --no-install-recommends " ALL "\n");
}

Test(packages, an_installation_that_fails_is_told, .init = as_root, .fini = shell_leave)
{
    add("apt-get", "echo \"apt-get $*\" >> called; exit 100");
    EXPECT_REFUSED(packages("build"), "The installation failed");
    EXPECT_DONE(shell("wc -l < called"), "2");
}

Test(packages, a_compiler_that_no_package_brings_is_named, .init = as_root, .fini = shell_leave)
{
    EXPECT_REFUSED(shell("exec 2>&1; PATH=$PWD/bin CC=no-such-compiler \"$ROOT/tools/packages.sh\" build"),
                   "CC is no-such-compiler");
}

/* ---- get_mnist.sh, with small files of the test's own, from servers that are good and bad, on this machine only -------- */

static int port;
static pid_t server;

static void serve_one(int client)
{
    char request[4096], path[256], head[256];
    ssize_t got = read(client, request, sizeof request - 1);
    request[got > 0 ? got : 0] = '\0';
    if (sscanf(request, "GET /%255s", path) != 1) return;
    if (!strncmp(path, "stalled/", 8)) pause();
    static char content[1 << 16];
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(content, 1, sizeof content, file) : 0;
    if (file) fclose(file);
    int length = snprintf(head,
                          sizeof head,
                          "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                          file ? "200 OK" : "404 Not Found",
                          size);
    if (!strncmp(path, "short/", 6)) size /= 2; /* less than announced */
    if (write(client, head, (size_t)length) < 0 || write(client, content, size) < 0) return;
}

/* A server of the files in the current folder: those of stalled/ never come, those of short/ break off. */
static void serve(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(listening >= 0 && bind(listening, (struct sockaddr *)&address, size) == 0 && listen(listening, 8) == 0);
    cr_assert(getsockname(listening, (struct sockaddr *)&address, &size) == 0);
    port = ntohs(address.sin_port);
    server = fork();
    cr_assert(server >= 0);
    if (server > 0) {
        close(listening);
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int client = accept(listening, NULL, NULL);
        if (client < 0) _exit(1);
        serve_one(client);
        shutdown(client, SHUT_WR);
        close(client);
    }
}

/* Folders of four files each, named as MNIST's: good/ and fashion/ with their checksums; others that differ from good/. */
static void mirrors_begin(void)
{
    shell_enter();
    cr_assert(shell("set -e; mkdir good fashion wrong some"
                    "; for file in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do"
                    "    for folder in good fashion wrong; do"
                    "        echo $folder $file > $folder/$file-ubyte"
                    "        ; sum=$(sha256sum < $folder/$file-ubyte)"
                    "        ; gzip $folder/$file-ubyte"
                    "        ; case $folder in good) name=MNIST;; fashion) name=Fashion-MNIST;; wrong) continue;; esac"
                    "        ; echo $name ${sum%%%% *} $file-ubyte >> checksums"
                    "    ; done"
                    "; done"
                    "; cp -r good short; cp -r good stalled; cp good/train-* good/t10k-images* some")
                  ->status == 0);
    setenv("no_proxy", "127.0.0.1", 1);
    setenv("MNIST_CHECKSUMS", "checksums", 1);
    setenv("FASHION_MNIST_DIR", "fashion", 1);
    serve();
}

static void mirrors_end(void)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    shell_leave();
}

static const Shell *get_mnist(const char *folder)
{
    return shell("exec 2>&1; MNIST_MIRROR=http://127.0.0.1:%d/%s \"$ROOT/tools/get_mnist.sh\"", port, folder);
}

/* data/ holds just that folder's files, and nothing is left beside them. */
#define EXPECT_DATA(folder) EXPECT_DONE(shell("diff -r data/mnist %s && test \"$(ls data)\" = mnist", folder), "")

/* Nothing is there, not even in part. */
static void expect_nothing(void)
{
    const Shell *said = shell("find data -mindepth 1");
    cr_expect(said->status != 0 || !*said->out, "%s", said->out);
}

Test(get_mnist, fetches_once, .init = mirrors_begin, .fini = mirrors_end)
{
    EXPECT_DONE(get_mnist("good"), "data: MNIST (data/mnist)\n");
    EXPECT_DATA("good");
    const Shell *again = get_mnist("nowhere");
    EXPECT_DONE(again, "");
    cr_expect(!*again->out, "%s", again->out);
    EXPECT_DONE(shell("exec 2>&1; \"$ROOT/tools/get_mnist.sh\" --name"), "data: MNIST (data/mnist)\n");
    EXPECT_DONE(shell("exec 2>&1; \"$ROOT/tools/get_mnist.sh\" --say"), "data: MNIST (data/mnist): all four files are there\n");
    EXPECT_DONE(shell("ls data"), "mnist\n");
}

Test(get_mnist, an_empty_folder_is_filled, .init = mirrors_begin, .fini = mirrors_end)
{
    cr_assert(shell("mkdir -p data/mnist")->status == 0);
    EXPECT_DONE(get_mnist("good"), "data: MNIST");
    EXPECT_DATA("good");
}

Test(get_mnist, another_mirror_helps, .init = mirrors_begin, .fini = mirrors_end)
{
    EXPECT_DONE(
        shell("exec 2>&1; MNIST_MIRROR='http://127.0.0.1:%d/some http://127.0.0.1:%d/good' \"$ROOT/tools/get_mnist.sh\"",
              port,
              port),
        "some/t10k-labels-idx1-ubyte.gz: cannot be fetched\n");
    EXPECT_DATA("good");
}

Test(get_mnist, missing_files, .init = mirrors_begin, .fini = mirrors_end)
{
    EXPECT_DONE(get_mnist("nowhere"), "data: Fashion-MNIST, not MNIST");
    EXPECT_DATA("fashion");
    EXPECT_DONE(shell("exec 2>&1; \"$ROOT/tools/get_mnist.sh\" --name"), "data: Fashion-MNIST, not MNIST");
}

Test(get_mnist, a_transfer_that_breaks_off, .init = mirrors_begin, .fini = mirrors_end)
{
    EXPECT_DONE(get_mnist("short"), "train-images-idx3-ubyte.gz: cannot be fetched\n");
    EXPECT_DATA("fashion");
}

Test(get_mnist, wrong_content, .init = mirrors_begin, .fini = mirrors_end)
{
    EXPECT_DONE(get_mnist("wrong"), "train-images-idx3-ubyte.gz: is not MNIST's: its checksum is wrong\n");
    EXPECT_DATA("fashion");
}

Test(get_mnist, truncated_content, .init = mirrors_begin, .fini = mirrors_end)
{
    cr_assert(shell("truncate -s -3 good/t10k-images-idx3-ubyte.gz")->status == 0);
    EXPECT_DONE(get_mnist("good"), "t10k-images-idx3-ubyte.gz: is not MNIST's: its checksum is wrong\n");
    EXPECT_DATA("fashion");
}

Test(get_mnist, nobody_answers, .init = mirrors_begin, .fini = mirrors_end)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    EXPECT_DONE(get_mnist("good"), "MNIST cannot be had");
    EXPECT_DATA("fashion");
}

Test(get_mnist, nothing_can_be_had, .init = mirrors_begin, .fini = mirrors_end)
{
    cr_assert(shell("rm fashion/t10k-labels-idx1-ubyte.gz")->status == 0);
    EXPECT_REFUSED(get_mnist("nowhere"), "fashion/t10k-labels-idx1-ubyte.gz");
    expect_nothing();
}

Test(get_mnist, the_package_is_checked_too, .init = mirrors_begin, .fini = mirrors_end)
{
    cr_assert(shell("cp wrong/t10k-labels-idx1-ubyte.gz fashion")->status == 0);
    EXPECT_REFUSED(get_mnist("nowhere"), "dataset-fashion-mnist: its checksums are wrong\n");
    expect_nothing();
}

Test(get_mnist, a_folder_given_is_taken_as_it_is, .init = mirrors_begin, .fini = mirrors_end)
{
    const Shell *said =
        shell("exec 2>&1; MNIST_DIR=wrong MNIST_MIRROR=http://127.0.0.1:%d/good \"$ROOT/tools/get_mnist.sh\"", port);
    EXPECT_DONE(said, "");
    cr_expect(!*said->out, "%s", said->out);
    EXPECT_DONE(shell("exec 2>&1; MNIST_DIR=wrong \"$ROOT/tools/get_mnist.sh\" --name"),
                "data: neither MNIST nor Fashion-MNIST (wrong)\n");
    EXPECT_DONE(shell("gzip -d good/t* && MNIST_DIR=good \"$ROOT/tools/get_mnist.sh\" --name"), "data: MNIST (good)\n");
    EXPECT_REFUSED(shell("exec 2>&1; MNIST_DIR=some \"$ROOT/tools/get_mnist.sh\""), "some: has no t10k-labels-idx1-ubyte, ");
    EXPECT_REFUSED(shell("exec 2>&1; MNIST_DIR=nowhere \"$ROOT/tools/get_mnist.sh\""),
                   "nowhere: has no train-images-idx3-ubyte, ");
    expect_nothing();
}

Test(get_mnist, what_somebody_put_there_stays, .init = mirrors_begin, .fini = mirrors_end)
{
    cr_assert(shell("mkdir data && cp -r some data/mnist")->status == 0);
    EXPECT_REFUSED(get_mnist("good"), "data/mnist: has no t10k-labels-idx1-ubyte; ");
    EXPECT_DATA("some");
}

Test(get_mnist, an_interrupt_leaves_nothing, .init = mirrors_begin, .fini = mirrors_end, .timeout = 20 * PATIENCE)
{
    char mirror[64];
    snprintf(mirror, sizeof mirror, "http://127.0.0.1:%d/stalled", port);
    setenv("MNIST_MIRROR", mirror, 1);
    pid_t group = fork();
    cr_assert(group >= 0);
    if (group == 0) {
        setpgid(0, 0);
        signal(SIGINT, SIG_DFL); /* it is ignored where the tests run in the background */
        execl("/bin/sh", "sh", "-c", "exec \"$ROOT/tools/get_mnist.sh\" 2>/dev/null", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 100 && shell("ls -d data/mnist.*")->status != 0; i++) usleep(50000);
    usleep(500000); /* now it waits for an answer; Ctrl-C at a terminal signals the whole group */
    kill(-group, SIGINT);
    int status;
    cr_assert(waitpid(group, &status, 0) == group);
    cr_expect(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
    expect_nothing();
}
