/* What `make install` puts somewhere, used from there: the compiler with its runtime, CMake and pkg-config projects that run it as a build
 * step, man pages, completion, the Debian package; and that nothing is left when it is taken away. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void enter(void)
{
    shell_enter();
    shell_good("\"$ROOT/packaging/install.sh\" install \"$BUILD\" \"$PWD/stage/usr\"");
    setenv("CFLAGS", getenv("EMITTED_CFLAGS") ? getenv("EMITTED_CFLAGS") : "", 1); /* the runtime was built with these */
}

TestSuite(installing, .init = enter, .fini = shell_leave, .timeout = 300 * PATIENCE);

Test(installing, compiler_finds_its_runtime)
{
    shell_good("stage/usr/bin/cnnc stage/usr/share/doc/cnnc/examples/mlp/mlp.net -o mlp && ./mlp summary | grep -q 407,050");
}

/* Who calls it without arguments is told how to begin, and that works. */
Test(installing, first_steps)
{
    const Shell *run = shell("stage/usr/bin/cnnc");
    cr_expect(run->status == 1 && strstr(run->err, "To begin"), "%s", run->err);
    shell_good("stage/usr/bin/cnnc 2>&1 | sed -n '/^  input/,/^  compile/p' > first.net && stage/usr/bin/cnnc first.net -o first && ./first summary | grep -q 7,850");
}

/* The converter, from anywhere, finds its parts and the compiler. */
Test(installing, converter)
{
    if (shell("python3 -c 'import numpy'")->status) cr_skip_test("numpy is not installed");
    shell_good("PATH=\"$PWD/stage/usr/bin:$PATH\"; unset CNNC; cd / && cnnc-convert --help | grep -q compare");
    shell_refused("none.npz: this takes", "PATH=\"$PWD/stage/usr/bin:$PATH\"; echo 'input(3)' > n.net; unset CNNC; cnnc-convert compare none.npz x.npy --net n.net --weights w");
}

Test(installing, uninstall_leaves_nothing)
{
    shell_good("touch stage/usr/bin/other && \"$ROOT/packaging/install.sh\" install \"$BUILD\" \"$PWD/stage/usr\" && "
               "\"$ROOT/packaging/install.sh\" uninstall \"$BUILD\" \"$PWD/stage/usr\"");
    cr_expect_str_eq(shell("find stage -type f")->out, "stage/usr/bin/other\n");
    cr_expect_str_eq(shell("find stage -name 'cnnc*'")->out, "");
    cr_expect_str_eq(shell("find stage -type d | sort")->out, "stage\nstage/usr\nstage/usr/bin\n");
}

/* Folders that were there before stay, and the others go, with the root if that is new too. */
Test(installing, uninstall_takes_its_folders_along)
{
    shell_good("mkdir -p old/share/man && for root in old new/root; do for what in install install uninstall; do \"$ROOT/packaging/install.sh\" $what \"$BUILD\" \"$PWD/$root\" || exit 1; done; done");
    cr_expect_str_eq(shell("find old new | sort")->out, "new\nold\nold/share\nold/share/man\n");
}

/* A program with trained weights, and a trainer. */
static void copy_embed(void)
{
    shell_good("cp -r stage/usr/share/doc/cnnc/examples/embed project");
}

Test(installing, cmake_project)
{
    if (!shell_has("cmake")) cr_skip_test("cmake is not installed");
    copy_embed();
    shell_file("project/CMakeLists.txt",
               "cmake_minimum_required(VERSION 3.13)\n"
               "project(classify C)\n"
               "find_package(cnnc 0.1 REQUIRED)\n"
               "cnnc_add_model(digit digit.net WEIGHTS digit.safetensors OPTIONS --target=generic)\n"
               "add_executable(classify classify.c)\n"
               "target_link_libraries(classify PRIVATE digit)\n"
               "cnnc_add_model(digit_trainer digit.net TRAINER)\n"
               "cnnc_add_model(apart digit.net WEIGHTS digit.safetensors WEIGHTS_AS object)\n"
               "add_executable(classify_apart classify.c)\n"
               "target_link_libraries(classify_apart PRIVATE apart)\n"
               "cnnc_add_model(mapped digit.net WEIGHTS digit.safetensors WEIGHTS_AS blob)\n"
               "message(STATUS \"the blob: ${mapped_BLOB}\")\n");
    shell_good("cmake -S project -B out -DCMAKE_PREFIX_PATH=\"$PWD/stage/usr\" > log && cmake --build out >> log || { cat log; exit 1; }");
    cr_expect_str_eq(shell("out/classify project/three.txt | cut -c1-3")->out, "3 (\n");
    cr_expect(strstr(shell("out/digit_trainer summary")->out, "5,258"));
    cr_expect_str_eq(shell("out/classify_apart project/three.txt | cut -c1-3")->out, "3 (\n");
    shell_good("[ -s \"$(sed -n 's/.*the blob: //p' log)\" ] && nm out/libapart.a | grep -q 'digit_trained$' && ! nm out/libmapped.a | grep -q digit_trained");
    cr_expect(shell("grep -q -e '--target=generic' out/digit.cnnc/digit.h && ! grep -q train_step out/digit.cnnc/digit.h")->status == 0);
    /* Another network: what depends on it is made anew, and only then. */
    shell_good("cmake --build out > log");
    cr_expect_str_eq(shell("grep Building log")->out, "");
    shell_good("sleep 1; echo >> project/digit.net; cmake --build out > log && grep -q 'Building C.*digit.c' log");
    /* Arguments that make no sense, a version that is not there. */
    shell_good("echo 'cnnc_add_model(x digit.net TRAINER WEIGHTS digit.safetensors)' >> project/CMakeLists.txt");
    shell_refused("TRAINER goes with neither", "cmake -S project -B out");
    shell_good("sed -i 's/cnnc 0.1/cnnc 9/; $d' project/CMakeLists.txt");
    shell_refused("version", "cmake -S project -B out");
    shell_good("sed -i 's/cnnc 9/cnnc/; s/classify C)/classify CXX)/' project/CMakeLists.txt");
    shell_refused("cnnc writes C", "cmake -S project -B other -DCMAKE_PREFIX_PATH=\"$PWD/stage/usr\"");
}

Test(installing, make_and_pkg_config_project)
{
    if (!shell_has("pkg-config")) cr_skip_test("pkg-config is not installed");
    copy_embed();
    shell_file("project/Makefile",
               "CNNC := $(shell pkg-config --variable=compiler cnnc)\n"
               "all: classify trainer\n"
               "classify: classify.c digit.c\n"
               "\t$(CC) $(CFLAGS) -o $@ $^ -lm\n"
               "digit.c: digit.net digit.safetensors\n"
               "\t$(CNNC) $< -o $@ --emit=inference --weights=digit.safetensors -MD\n"
               "trainer: model.c model_trainer.c\n"
               "\t$(CC) $(CFLAGS) -o $@ $^ $(shell pkg-config --cflags --libs cnnc)\n"
               "model.c: digit.net\n"
               "\t$(CNNC) $< -o $@\n"
               "model_trainer.c: digit.net\n"
               "\t$(CNNC) $< -o $@ --emit=trainer\n"
               "-include digit.d\n");
    setenv("PKG_CONFIG_PATH", "../stage/usr/lib/pkgconfig", 1);
    shell_good("cd project && make CC=\"$CC\" CFLAGS=\"$CFLAGS\" > log 2>&1 || { cat log; exit 1; }");
    cr_expect_str_eq(shell("project/classify project/three.txt | cut -c1-3")->out, "3 (\n");
    cr_expect(strstr(shell("project/trainer summary")->out, "5,258"));
    shell_good("cd project && [ cnnc\\ $(pkg-config --modversion cnnc) = \"$(\"$CNNC\" --version)\" ]");
}

Test(installing, man_pages)
{
    static const char *const pages[] = {"cnnc", "cnnc-trainer"};
    cr_expect(shell("grep -qF -- '\\-\\-emit=all|inference|trainer' stage/usr/share/man/man1/cnnc.1 && grep -q '^conv2d$' stage/usr/share/man/man1/cnnc.1")->status == 0);
    cr_expect(shell("grep -q 'validation' stage/usr/share/man/man1/cnnc-trainer.1")->status == 0);
    if (!shell_has("man")) cr_skip_test("man is not installed: the pages were not set");
    for (int i = 0; i < 2; i++) {
        const Shell *ended = shell("LC_ALL=C.UTF-8 MANROFFSEQ= man --warnings -E UTF-8 -l -Tutf8 stage/usr/share/man/man1/%s.1 > text", pages[i]);
        cr_expect(ended->status == 0 && !*ended->err, "%s", ended->err);
        cr_expect(shell("[ $(wc -l < text) -gt 60 ]")->status == 0);
        cr_expect_str_eq(shell("grep -n '[.][BI] ' text")->out, "", "a request within a line is text");
    }
}

/* What bash completes in a line, as its words. */
static void expect_completion(const char *words, const char *expected)
{
    const Shell *ended = shell("bash -c '. stage/usr/share/bash-completion/completions/cnnc; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
                               "_cnnc 2>/dev/null; echo ${COMPREPLY[*]}'",
                               words);
    cr_expect_str_eq(ended->out, expected, "%s: %s%s", words, ended->out, ended->err);
}

Test(installing, bash_completion)
{
    if (!shell_has("bash")) cr_skip_test("bash is not installed");
    shell_good("touch one.net one.c && mkdir folder");
    expect_completion("cnnc --em", "--emit=\n");
    expect_completion("cnnc --emit = inf", "inference\n");
    expect_completion("cnnc --emit =", "all inference trainer\n");
    expect_completion("cnnc --target = x86-64-v", "x86-64-v4 x86-64-v3 x86-64-v2\n");
    expect_completion("cnnc --help max_pooling2", "max_pooling2d\n");
    expect_completion("cnnc o", "one.net\n");
    expect_completion("cnnc f", "folder\n");
    expect_completion("cnnc one.net -o one.c", "one.c\n");
    expect_completion("cnnc one.net -", "--output= -D --emit= --weights= --weights-as= --target= --unroll= --gemm= --plan= --math= --batch= --threads= --pauses --ram= --flash= -MD --selftest --summary --tune --dump= --help --version\n");
}

Test(installing, zsh_completion)
{
    if (!shell_has("zsh")) cr_skip_test("zsh is not installed");
    shell_good("touch one.net one.c");
    shell_file("type.zsh",
               "zmodload zsh/zpty\n"
               "zpty z zsh -f -i\n"
               "zpty -w z 'fpath=(stage/usr/share/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D; print re''ady'\n"
               "zpty -r z text '*ready*'\n"
               "zpty -w -n z \"$1\"$'\\t'\n"
               "zpty -r z text \"*$2*\" && print found\n"
               "zpty -d z\n");
    static const char *const cases[][2] = {{"cnnc o", "one.net"}, {"cnnc --emit=inf", "inference"}, {"cnnc --help max_pooling2", "max_pooling2d"}, {"cnnc --vers", "--version"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(shell("timeout 20 zsh -f type.zsh '%s' '%s'", cases[i][0], cases[i][1])->out, "found\n", "%s", cases[i][0]);
}

Test(installing, debian_package)
{
#if defined(__SANITIZE_ADDRESS__)
    cr_skip_test("a cnnc with sanitizers needs libraries that no package of it may ask for");
#endif
    if (!shell_has("dpkg-deb") || !shell_has("dpkg-shlibdeps")) cr_skip_test("dpkg-deb or dpkg-shlibdeps is not installed (dpkg, dpkg-dev)");
    shell_good("mkdir built && cp -r \"$BUILD/cnnc\" \"$BUILD/libcnnc_runtime.a\" \"$BUILD/include\" built/ && \"$ROOT/packaging/make_deb.sh\" \"$PWD/built\"");
    shell_good("dpkg -I built/cnnc_*.deb | grep -q '^ Depends: libc6 (>= .*libcjson1.*gcc | clang, libc6-dev$'");
    shell_good("dpkg -c built/cnnc_*.deb > contents");
    static const char *const files[] = {"bin/cnnc", "lib/cnnc/libcnnc_runtime.a", "lib/cnnc/include/runtime.h", "lib/pkgconfig/cnnc.pc", "lib/cmake/cnnc/cnncConfig.cmake", "share/man/man1/cnnc.1.gz", "share/doc/cnnc/copyright"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) cr_expect(shell("grep -q '^-r.*root/root.* [.]/usr/%s$' contents", files[i])->status == 0, "%s", files[i]);
    cr_expect_str_eq(shell("grep -v 'root/root' contents")->out, "");
    shell_good("dpkg-deb -x built/cnnc_*.deb root && cd root && dpkg-deb --ctrl-tarfile ../built/cnnc_*.deb | tar x ./md5sums && md5sum --quiet -c md5sums");
    shell_good("root/usr/bin/cnnc root/usr/share/doc/cnnc/examples/mlp/mlp.net -o mlp && ./mlp summary | grep -q 407,050");
}

/* Syntax files: words have the class that they have where they stand. */
Test(installing, editors_know_the_language)
{
    if (shell_has("node")) shell_good("node \"$ROOT/tests/editors/grammar.mjs\" stage/usr/share/cnnc/vscode");
    if (!shell_has("vim") || shell("vim --version | grep -q '+syntax'")->status) cr_skip_test("vim is not installed, or is a tiny one");
    shell_file("m.net", "model m\nh = conv2d(3, 3x3, activation=relu) # h=1\nactivation(tanh)\n");
    shell_good("vim -es -u NONE -c 'set nocompatible rtp^=stage/usr/share/vim/vimfiles' -S \"$ROOT/tests/editors/classes.vim\" m.net < /dev/null");
    cr_expect_str_eq(shell("cat classes")->out,
                     "cnnc # %s\n<cnncReserved>model<> m\n"
                     "h = <cnncLayer>conv2d<>(<cnncNumber>3<>, <cnncPair>3x3<>, <cnncArgument>activation<>=<cnncRow>relu<>) <cnncComment># h=1\n"
                     "<cnncLayer>activation<>(<cnncRow>tanh<>)\n");
}
