/* tools/get_mnist.sh with small files of the test's own, from servers that are good and bad, on this machine only. */
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

static int port;
static pid_t server;

static void answer(int client)
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
        answer(client);
        shutdown(client, SHUT_WR);
        close(client);
    }
}

/* Folders of four files each, named as MNIST's: good/ and fashion/ with their checksums; others that differ from good/. */
static void begin(void)
{
    shell_begin();
    unsetenv("MNIST_DIR");
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
    setenv("MNIST_CHECKSUMS", "checksums", 1);
    setenv("FASHION_MNIST_DIR", "fashion", 1);
    serve();
}

static void end(void)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    shell_end();
}

static const Said *get_mnist(const char *folder)
{
    return shell("MNIST_MIRROR=http://127.0.0.1:%d/%s \"$TOOLS/get_mnist.sh\"", port, folder);
}

/* data/ holds just that folder's files, and nothing is left beside them. */
#define EXPECT_DATA(folder) EXPECT_DONE(shell("diff -r data/mnist %s && test \"$(ls data)\" = mnist", folder), "")

/* Nothing is there, not even in part. */
static void expect_nothing(void)
{
    const Said *said = shell("find data -mindepth 1");
    cr_expect(said->status != 0 || !*said->text, "%s", said->text);
}

Test(get_mnist, fetches_once, .init = begin, .fini = end)
{
    EXPECT_DONE(get_mnist("good"), "data: MNIST (data/mnist)\n");
    EXPECT_DATA("good");
    const Said *again = get_mnist("nowhere");
    EXPECT_DONE(again, "");
    cr_expect(!*again->text, "%s", again->text);
    EXPECT_DONE(shell("\"$TOOLS/get_mnist.sh\" --name"), "data: MNIST (data/mnist)\n");
    EXPECT_DONE(shell("ls data"), "mnist\n");
}

Test(get_mnist, an_empty_folder_is_filled, .init = begin, .fini = end)
{
    cr_assert(shell("mkdir -p data/mnist")->status == 0);
    EXPECT_DONE(get_mnist("good"), "data: MNIST");
    EXPECT_DATA("good");
}

Test(get_mnist, another_mirror_helps, .init = begin, .fini = end)
{
    EXPECT_DONE(shell("MNIST_MIRROR='http://127.0.0.1:%d/some http://127.0.0.1:%d/good' \"$TOOLS/get_mnist.sh\"", port, port),
                "some/t10k-labels-idx1-ubyte.gz: cannot be fetched\n");
    EXPECT_DATA("good");
}

Test(get_mnist, missing_files, .init = begin, .fini = end)
{
    EXPECT_DONE(get_mnist("nowhere"), "data: Fashion-MNIST, not MNIST");
    EXPECT_DATA("fashion");
    EXPECT_DONE(shell("\"$TOOLS/get_mnist.sh\" --name"), "data: Fashion-MNIST, not MNIST");
}

Test(get_mnist, a_transfer_that_breaks_off, .init = begin, .fini = end)
{
    EXPECT_DONE(get_mnist("short"), "train-images-idx3-ubyte.gz: cannot be fetched\n");
    EXPECT_DATA("fashion");
}

Test(get_mnist, wrong_content, .init = begin, .fini = end)
{
    EXPECT_DONE(get_mnist("wrong"), "train-images-idx3-ubyte.gz: is not MNIST's: its checksum is wrong\n");
    EXPECT_DATA("fashion");
}

Test(get_mnist, truncated_content, .init = begin, .fini = end)
{
    cr_assert(shell("truncate -s -3 good/t10k-images-idx3-ubyte.gz")->status == 0);
    EXPECT_DONE(get_mnist("good"), "t10k-images-idx3-ubyte.gz: is not MNIST's: its checksum is wrong\n");
    EXPECT_DATA("fashion");
}

Test(get_mnist, nobody_answers, .init = begin, .fini = end)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    EXPECT_DONE(get_mnist("good"), "MNIST cannot be had");
    EXPECT_DATA("fashion");
}

Test(get_mnist, nothing_can_be_had, .init = begin, .fini = end)
{
    cr_assert(shell("rm fashion/t10k-labels-idx1-ubyte.gz")->status == 0);
    EXPECT_REFUSED(get_mnist("nowhere"), "fashion/t10k-labels-idx1-ubyte.gz");
    expect_nothing();
}

Test(get_mnist, the_package_is_checked_too, .init = begin, .fini = end)
{
    cr_assert(shell("cp wrong/t10k-labels-idx1-ubyte.gz fashion")->status == 0);
    EXPECT_REFUSED(get_mnist("nowhere"), "dataset-fashion-mnist: its checksums are wrong\n");
    expect_nothing();
}

Test(get_mnist, a_folder_given_is_taken_as_it_is, .init = begin, .fini = end)
{
    const Said *said = shell("MNIST_DIR=wrong MNIST_MIRROR=http://127.0.0.1:%d/good \"$TOOLS/get_mnist.sh\"", port);
    EXPECT_DONE(said, "");
    cr_expect(!*said->text, "%s", said->text);
    EXPECT_DONE(shell("MNIST_DIR=wrong \"$TOOLS/get_mnist.sh\" --name"), "data: neither MNIST nor Fashion-MNIST (wrong)\n");
    EXPECT_DONE(shell("gzip -d good/t* && MNIST_DIR=good \"$TOOLS/get_mnist.sh\" --name"), "data: MNIST (good)\n");
    EXPECT_REFUSED(shell("MNIST_DIR=some \"$TOOLS/get_mnist.sh\""), "some: has no t10k-labels-idx1-ubyte, ");
    EXPECT_REFUSED(shell("MNIST_DIR=nowhere \"$TOOLS/get_mnist.sh\""), "nowhere: has no train-images-idx3-ubyte, ");
    expect_nothing();
}

Test(get_mnist, what_somebody_put_there_stays, .init = begin, .fini = end)
{
    cr_assert(shell("mkdir data && cp -r some data/mnist")->status == 0);
    EXPECT_REFUSED(get_mnist("good"), "data/mnist: has no t10k-labels-idx1-ubyte; ");
    EXPECT_DATA("some");
}

Test(get_mnist, an_interrupt_leaves_nothing, .init = begin, .fini = end, .timeout = 20)
{
    char mirror[64];
    snprintf(mirror, sizeof mirror, "http://127.0.0.1:%d/stalled", port);
    setenv("MNIST_MIRROR", mirror, 1);
    pid_t group = fork();
    cr_assert(group >= 0);
    if (group == 0) {
        setpgid(0, 0);
        execl("/bin/sh", "sh", "-c", "exec \"$TOOLS/get_mnist.sh\" 2>/dev/null", (char *)NULL);
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
