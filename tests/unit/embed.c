/* Generated inference inside other programs: examples/embed, and what an object file of generated code may contain. */
#include "shell.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(embed, .init = shell_enter, .fini = shell_leave, .timeout = 400);

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
    shell_good("cp -r \"$ROOT/examples/embed\" embed && cd embed && make CNNC=\"$CNNC\" CFLAGS=-O1");
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
