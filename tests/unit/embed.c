/* Generated inference inside other programs: examples/embed, one test for each of its programs, and what an object file of generated code may
 * contain. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(embed, .init = shell_enter, .fini = shell_leave, .timeout = 400 * PATIENCE);

/* Fails on symbols that the object needs and that are neither memory functions of string.h nor functions of math.h. */
static void check_object(const char *object)
{
    const Shell *run = shell("nm -u '%s' | awk '{ print $NF }' | grep -vxE "
                             "'(memcpy|memset|memmove|(exp|tanh|log|log1p|expm1|sqrt|fabs|fmax|fmin|floor|pow|erf)f?"
                             "|__cpu_model|__cpu_indicator_init|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail)'",
                             object);
    cr_expect(run->status == 1, "%s needs: %s", object, run->out);
    /* Sizes of the sections that a program can write to, of data that does not need the loader to set addresses. */
    run = shell("size -A '%s' | awk '$1 ~ /^[.](data|bss|tdata|tbss)([.]|$)/ && $1 !~ /[.]rel[.]ro/ && $2 > 0'", object);
    cr_expect_str_eq(run->out, "", "%s has data that can change: %s", object, run->out);
}

static void copy_example(void)
{
    shell_good("cp -r \"$ROOT/examples/embed\" embed && cp -r \"$ROOT/examples/lenet5\" lenet5 && cd embed && make clean && make CNNC=\"$CNNC\" CFLAGS=-O1 classify");
}

Test(embed, example_classifies)
{
    copy_example();
    const Shell *run = shell("cd embed && ./classify three.txt");
    cr_expect(run->status == 0 && strncmp(run->out, "3 (", 3) == 0, "%s%s", run->out, run->err);
    run = shell("cd embed && ./classify < three.txt");
    cr_expect(run->status == 0 && strncmp(run->out, "3 (", 3) == 0, "%s%s", run->out, run->err);
    run = shell("cd embed && ./classify Makefile");
    cr_expect(run->status == 1 && strstr(run->err, "usage"), "%s%s", run->out, run->err);
    run = shell("cd embed && make CNNC=\"$CNNC\" CFLAGS=-O1 mapped > /dev/null && ./mapped apart_weights.bin three.txt");
    cr_expect(run->status == 0 && strncmp(run->out, "3 (", 3) == 0, "%s%s", run->out, run->err);
    /* The loader, the C library and libm, nothing else. */
    run = shell("ldd embed/classify | grep -vE 'linux-vdso|linux-gate|ld-linux|libc[.]so|libm[.]so'");
    cr_expect(run->status == 1, "it also needs: %s", run->out);
}

Test(embed, objects_have_no_state_and_no_libraries)
{
    copy_example();
    shell_good("cd embed && $CC -std=c11 -O1 -c digit.c -o digit.o && $CC -std=c11 -O1 -fPIC -c digit.c -o pic.o");
    check_object("embed/digit.o");
    check_object("embed/pic.o");
    /* Without weights of its own, and with training in it. */
    shell_good("\"$CNNC\" \"$ROOT/tests/fixtures/cnn_dropout.net\" -o model.c && $CC -std=c11 -O1 -c model.c");
    check_object("model.o");
    /* No header beyond the four. */
    const Shell *run = shell("cat model.c embed/digit.c embed/digit.h | grep -h '#include' | sort -u | "
                             "grep -vE '<(stddef|stdint|string|math)[.]h>|\"(model|digit)[.]h\"'");
    cr_expect(run->status == 1, "%s", run->out);
}

/* A recurrent network, frame by frame: its last word is what it says of the whole picture. */
Test(embed, example_row_by_row)
{
    copy_example();
    shell_file("embed/whole.c",
               "#include \"picture.h\"\n#include \"rows.h\"\n#include <stdio.h>\n"
               "int main(void)\n{\n"
               "    static ROWS_ALIGNED unsigned char arena[ROWS_ARENA_BYTES];\n    static char text[65536];\n"
               "    float picture[PICTURE_SIZE], probability[ROWS_OUTPUT_SIZE];\n"
               "    text[fread(text, 1, sizeof text - 1, stdin)] = 0;\n    picture_read(text, picture);\n"
               "    rows_predict(rows_trained, picture, probability, arena);\n"
               "    int best = largest(probability, ROWS_OUTPUT_SIZE);\n"
               "    printf(\"%d (%.1f %%)\\n\", best, 100.0 * (double)probability[best]);\n    return 0;\n}\n");
    shell_good("cd embed && make CNNC=\"$CNNC\" CFLAGS='-O1 -Wall -Wextra -Werror' row_by_row && $CC -O1 whole.c rows.c -lm -o whole && ./row_by_row three.txt > said");
    cr_expect_str_eq(shell("grep -c '([0-9.]* %%)$' embed/said")->out, "28\n");
    const Shell *run = shell("cd embed && sed -n '$ s/.*   //p' said");
    cr_expect(!strncmp(run->out, "3 (", 3), "%s", run->out);
    shell_good("cd embed && sed -n '$ s/.*   //p' said > last && ./whole < three.txt | cmp - last");
    cr_expect(shell("cd embed && ./row_by_row Makefile")->status == 1);
}

/* Trained weights in a section of the user's choice, where they are all that lies there: the small form, and the large. */
Test(embed, weights_in_a_section)
{
    copy_example();
    shell_good("cd embed && make CNNC=\"$CNNC\" lenet5.c");
    static const char *const names[][2] = {{"digit", "DIGIT"}, {"lenet5", "LENET5"}};
    for (int i = 0; i < 2; i++) {
        shell_good("cd embed && $CC -std=c11 -O1 -Wall -Wextra -Werror -D%s_TRAINED_SECTION='\".flash2\"' -c %s.c -o placed.o", names[i][1], names[i][0]);
        long bytes = strtol(shell("cd embed && sed -n 's/^#define %s_WEIGHTS_BYTES //p' %s.h", names[i][1], names[i][0])->out, NULL, 10);
        long placed = strtol(shell("cd embed && size -A placed.o | awk '$1 == \".flash2\" { print $2 }'")->out, NULL, 10);
        cr_expect(bytes > 20000 && placed >= bytes && placed < bytes + 128, "%s: %ld bytes of %ld", names[i][0], placed, bytes);
        cr_expect_str_eq(shell("cd embed && objdump -h placed.o | grep -A1 flash2 | grep -o READONLY")->out, "READONLY\n");
        check_object("embed/placed.o");
    }
}

/* The same program from a C++ compiler. */
Test(embed, example_as_cpp)
{
    if (!shell_has("\"$CXX\"")) cr_skip_test("there is no C++ compiler");
    copy_example();
    shell_good("cd embed && $CXX -x c++ -std=c++17 -O1 -Wall -Wextra -Werror classify.c digit.c -o classify_cpp -lm");
    const Shell *run = shell("cd embed && ./classify_cpp three.txt");
    cr_expect(run->status == 0 && strncmp(run->out, "3 (", 3) == 0, "%s%s", run->out, run->err);
    /* C++ calling what a C compiler made. */
    shell_good("cd embed && $CC -O1 -c digit.c && $CXX -x c++ -std=c++17 -O1 classify.c -x none digit.o -o mixed -lm");
    run = shell("cd embed && ./mixed three.txt");
    cr_expect(run->status == 0 && strncmp(run->out, "3 (", 3) == 0, "%s%s", run->out, run->err);
}

/* Two networks, each with layers of the same names, in one program, taking turns with one arena. */
Test(embed, two_models_in_one_program)
{
    copy_example();
    shell_good("sed 's/^model digit/model other/' embed/digit.net > other.net && "
               "\"$CNNC\" other.net -o other.c --emit=inference --weights=embed/digit.safetensors");
    shell_file("both.c",
               "#include \"embed/digit.h\"\n"
               "#include \"other.h\"\n"
               "#include <stdio.h>\n"
               "#include <string.h>\n"
               "static DIGIT_ALIGNED unsigned char arena[DIGIT_ARENA_BYTES > OTHER_ARENA_BYTES ? DIGIT_ARENA_BYTES : "
               "OTHER_ARENA_BYTES];\n"
               "int main(void)\n"
               "{\n"
               "    float x[DIGIT_INPUT_SIZE], a[DIGIT_OUTPUT_SIZE], b[OTHER_OUTPUT_SIZE];\n"
               "    for (int i = 0; i < DIGIT_INPUT_SIZE; i++) x[i] = (float)(i * 7 % 256);\n"
               "    digit_predict(digit_trained, x, a, arena);\n"
               "    other_predict(other_trained, x, b, arena);\n"
               "    float sum = 0;\n"
               "    for (int i = 0; i < DIGIT_OUTPUT_SIZE; i++) sum += a[i];\n"
               "    printf(\"%d %d\\n\", memcmp(a, b, sizeof a), sum > 0.999f && sum < 1.001f);\n"
               "    return 0;\n"
               "}\n");
    shell_good("$CC -std=c11 -O1 -Wall -Wextra -Werror both.c embed/digit.c other.c -o both -lm");
    cr_expect_str_eq(shell("./both")->out, "0 1\n");
}

/* A picture of which the network is not too sure: an answer that agrees in all its digits is no accident. */
static void make_faint(void)
{
    shell_good("{ head -13 embed/three.txt; yes '' | head -15; } > embed/faint.txt");
    const Shell *run = shell("cd embed && ./classify faint.txt | tee answer");
    cr_assert(run->status == 0 && strlen(run->out) > 4 && !strstr(run->out, "(100"), "%s%s", run->out, run->err);
}

Test(embed, two_models_in_cpp)
{
    if (!shell_has("\"$CXX\"")) cr_skip_test("there is no C++ compiler");
    copy_example();
    make_faint();
    shell_good("cd embed && make CNNC=\"$CNNC\" CXX=\"$CXX -Wall -Wextra -Werror\" CFLAGS=-O1 two_models && ./two_models faint.txt > both");
    shell_good("cd embed && [ \"$(sed -n 's/^digit: //p' both)\" = \"$(cat answer)\" ] && grep -q '^lenet5: 3 (' both");
    cr_expect(shell("cd embed && ./two_models Makefile")->status == 1);
}

Test(embed, shared_library_from_python)
{
    if (!shell_has("python3")) cr_skip_test("python3 is not installed");
    copy_example();
    make_faint();
    shell_good("cd embed && make CNNC=\"$CNNC\" CFLAGS=-O1 libdigit.so && python3 classify.py faint.txt faint.txt > two && cat answer answer | cmp - two");
    cr_expect_str_eq(shell("nm -D --defined-only embed/libdigit.so | awk '{ print $NF }' | sort | tr '\\n' ' '")->out, "classes probabilities ");
    shell_refused("28 x 28", "cd embed && python3 -c 'import array, classify; classify.probabilities(array.array(\"f\", [0] * 785))'");
    if (shell("python3 -c 'import numpy'")->status) cr_skip_test("numpy is not installed; without it the library was tested");
    shell_good("cd embed && python3 -c 'import classify, numpy; x = numpy.zeros((3, 28, 28), numpy.float32); x[1] = "
               "numpy.reshape(classify.read_picture(\"three.txt\"), (28, 28)); p = classify.probabilities(x); "
               "assert p[0] == p[2] and numpy.argmax(p[1]) == 3'");
}

/* Other processors, emulated. */
static void expect_same_on(const char *processor)
{
    char missing[128];
    snprintf(missing, sizeof missing, "not installed: gcc-%s-linux-gnu or qemu-user", processor);
    if (shell("command -v %s-linux-gnu-gcc && command -v qemu-%s", processor, processor)->status) cr_skip_test("%s", missing);
    copy_example();
    make_faint();
    shell_good("cd embed && make CNNC=\"$CNNC\" classify-%s && qemu-%s ./classify-%s faint.txt | cmp - answer", processor, processor, processor);
}

Test(embed, aarch64)
{
    expect_same_on("aarch64");
}

Test(embed, riscv64)
{
    expect_same_on("riscv64");
}

/* What the linker prints of a region, in bytes: "RAM:       51776 B       256 KB     19.75%". */
static long used(const char *text, const char *region)
{
    const char *found = strstr(text, region);
    char unit[4] = "";
    long size = 0;
    if (!found || sscanf(found + strlen(region), " %ld %3s", &size, unit) != 2) return -1;
    return size * (!strcmp(unit, "KB") ? 1024 : 1);
}

Test(embed, cortex_m_firmware)
{
    if (!shell_has("arm-none-eabi-gcc") || shell("echo '#include <math.h>' | arm-none-eabi-gcc -E -")->status)
        cr_skip_test("no compiler for Cortex-M is installed (gcc-arm-none-eabi, libnewlib-arm-none-eabi)");
    copy_example();
    make_faint();
    const Shell *run = shell("cd embed && make CNNC=\"$CNNC\" firmware.elf 2>&1");
    cr_assert(run->status == 0, "%s", run->out);
    cr_expect(!strstr(run->out, "warning"), "%s", run->out);
    long flash = used(run->out, "FLASH:"), memory = used(run->out, "RAM:");
    long weights = used(run->out, "WEIGHTS:"), fast = used(run->out, "FAST:");
    cr_expect(flash > 10 * 1024 && flash < 64 * 1024, "flash without the weights: %ld", flash);
    cr_expect(weights >= 61706 * 4 && weights < 300 * 1024, "weights: %ld", weights);
    cr_expect(memory > 8 * 1024 && memory < 16 * 1024, "RAM without the arena: %ld", memory);
    cr_expect(fast > 32 * 1024 && fast < 48 * 1024, "arena: %ld", fast);
    if (!shell_has("qemu-system-arm")) cr_skip_test("qemu-system-arm is not installed: the firmware was built and not run");
    shell_good("cd embed && cp faint.txt three.txt && make CNNC=\"$CNNC\" CFLAGS=-O1 two_models && ./two_models three.txt > both");
    run = shell("cd embed && timeout 60 make -s CNNC=\"$CNNC\" run-firmware 2>&1 | grep -v '[%%]$\\|Memory' | tee said");
    shell_good("cd embed && [ \"$(sed -n 's/^lenet5: //p' both)\" = \"$(head -n 1 said)\" ] || { cat said both; exit 1; }");
    long stack = used(shell("cat embed/said")->out, "stack:");
    cr_expect(stack > 100 && stack < 4096, "of 8192 bytes of stack %ld are used", stack);
    /* The watchdog's time is too short for all layers, but not for any piece between two meals. */
    int pieces;
    long longest, all;
    cr_assert(sscanf(shell("grep pieces embed/said")->out, "pieces: %d, the longest took %ld ticks of %ld", &pieces, &longest, &all) == 3);
    cr_expect(pieces >= 8 && longest < 1000000 && all > 1000000, "%d pieces, %ld of %ld", pieces, longest, all);
    run = shell("cd embed && make -s CNNC=\"$CNNC\" -B FIRMWARE=-DFED=0 firmware.elf > /dev/null && timeout 60 make -s CNNC=\"$CNNC\" run-firmware 2>&1");
    cr_expect(strstr(run->out, "the watchdog was not fed in time\n") && !strstr(run->out, "pieces"), "%s%s", run->out, run->err);
}
