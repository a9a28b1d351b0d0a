/* Forms in which inference comes beside the usual one: weights in an object file of their own or in a blob, each class of memory in a section
 * of the user's choice, predict with pauses. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRICT "-O1 -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wdouble-promotion -Wvla -Werror"

static void enter(void)
{
    shell_enter();
    shell_good("cp \"$ROOT\"/examples/embed/* . 2> /dev/null; cp \"$ROOT\"/examples/lenet5/lenet5.* . && rm -f digit.[ch] && "
               "\"$CNNC\" digit.net -o digit.c --emit=inference --weights=digit.safetensors --target=generic && $CC -O1 classify.c digit.c -o classify -lm && "
               "{ head -13 three.txt; yes '' | head -15; } > faint.txt && ./classify faint.txt > answer && mkdir form");
}

TestSuite(forms, .init = enter, .fini = shell_leave, .timeout = 300 * PATIENCE);

/* The small form of weights and the large one: the code is the same whatever the weights are, and says the same with them. */
Test(forms, weights_in_an_object)
{
    static const char *const networks[] = {"digit", "lenet5"};
    for (int i = 0; i < 2; i++) {
        const char *name = networks[i];
        shell_good("\"$CNNC\" %s.net -o form/%s.c --emit=inference --weights=%s.safetensors --weights-as=object --target=generic -MD", name, name, name);
        shell_good("cd form && $CC -std=c11 " STRICT " -c %s.c && $CC -std=c11 " STRICT " -c %s_weights.c", name, name);
        cr_expect(shell("nm form/%s_weights.o | grep -qE '[RD] %s_trained$' && ! nm form/%s.o | grep -q trained", name, name, name)->status == 0);
        cr_expect(shell("nm -S --size-sort form/%s_weights.o | tail -1 | grep -qi ' r trained$'", name)->status == 0, "the weights are constant");
        cr_expect(shell("grep -q '^form/%s.c form/%s.h form/%s_weights.c:' form/%s.d", name, name, name, name)->status == 0);
    }
    shell_good("$CC -Iform -O1 classify.c form/digit.o form/digit_weights.o -o form/classify -lm && form/classify faint.txt | cmp - answer");
    shell_good("cd form && $CC -std=c11 -O1 -DDIGIT_TRAINED_SECTION='\".flash2\"' -c digit_weights.c && objdump -h digit_weights.o | grep -A1 flash2 | grep -q READONLY");
    if (shell_has("\"$CXX\"")) shell_good("cd form && $CXX -x c++ -std=c++17 " STRICT " -c digit_weights.c lenet5_weights.c");
    shell_refused("--weights-as=object: which weights?", "\"$CNNC\" digit.net -o form/x.c --emit=inference --weights-as=object");
    shell_refused("beside the first", "\"$CNNC\" digit.net -o - --emit=inference --weights=digit.safetensors --weights-as=object");
    shell_refused("expected one of code, object, blob", "\"$CNNC\" digit.net -o form/x.c --emit=inference --weights=digit.safetensors --weights-as=asm");
    cr_expect(shell("ls form/x*")->status != 0);
}

/* Changes a byte of a file. */
static const char flipping[] =
    "#include <stdio.h>\n"
    "#include <stdlib.h>\n"
    "int main(int argc, char **argv)\n"
    "{\n"
    "    FILE *file = fopen(argv[1], \"r+b\");\n"
    "    if (argc < 3 || !file || fseek(file, atol(argv[2]), SEEK_SET)) return 1;\n"
    "    int byte = fgetc(file) ^ 64;\n"
    "    fseek(file, atol(argv[2]), SEEK_SET);\n"
    "    fputc(byte, file);\n"
    "    return fclose(file);\n"
    "}\n";

/* A byte of the blob is another. */
static void expect_damage(long offset, const char *words)
{
    shell_good("cp form/apart_weights.bin damaged && ./flip damaged %ld", offset);
    const Shell *run = shell("form/mapped damaged faint.txt");
    cr_expect(run->status == 1 && strstr(run->err, words), "byte %ld: status %d, %s%s", offset, run->status, run->out, run->err);
}

Test(forms, weights_in_a_blob)
{
    shell_good("\"$CNNC\" digit.net -o form/apart.c --emit=inference --weights=digit.safetensors --weights-as=blob --target=x86-64-v2");
    shell_file("flip.c", flipping);
    shell_good("$CC flip.c -o flip && cp picture.h mapped.c form && cd form && $CC -std=c11 " STRICT " -c apart.c && $CC -O1 -Wall -Wextra -Werror mapped.c apart.o -o mapped -lm && ! nm apart.o | grep -q trained");
    shell_good("form/mapped form/apart_weights.bin faint.txt | cmp - answer");
    if (shell_has("\"$CXX\"")) shell_good("cd form && $CXX -x c++ -std=c++17 " STRICT " -c apart.c -o cpp.o");

    expect_damage(0, "no blob of weights");
    expect_damage(8, "another version");
    expect_damage(12, "another version");
    expect_damage(16, "another network");
    expect_damage(24, "another network");
    expect_damage(32, "checksum");
    expect_damage(64, "checksum");
    expect_damage(20000, "checksum");
    expect_damage(30000, "checksum");
    static const char *const cases[][2] = {
        {"head -c -4 form/apart_weights.bin > other && form/mapped other faint.txt", "cut short"},
        {"cat form/apart_weights.bin answer > other && form/mapped other faint.txt", "or longer"},
        {": > other && form/mapped other faint.txt", "cannot be mapped"},
        {"head -c 63 form/apart_weights.bin > other && form/mapped other faint.txt", "fewer bytes"},
        {"\"$CNNC\" lenet5.net -o lenet5.c --emit=inference --weights=lenet5.safetensors --weights-as=blob && form/mapped lenet5_weights.bin faint.txt", "another network"},
        /* The same parameters, other code or packing. */
        {"sed 's/rescaling(1.255)/rescaling(1\\/128)/' digit.net > other.net && \"$CNNC\" other.net -o other.c --emit=inference --weights=digit.safetensors --weights-as=blob --target=x86-64-v2 && form/mapped other_weights.bin faint.txt", "another network"},
        {"\"$CNNC\" digit.net -o other.c --emit=inference --weights=digit.safetensors --weights-as=blob && form/mapped other_weights.bin faint.txt", "other options"},
        {"\"$CNNC\" digit.net -o other.c --emit=inference --weights=digit.safetensors --weights-as=blob --target=x86-64-v2 --math=strict && form/mapped other_weights.bin faint.txt", "other options"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Shell *run = shell("%s", cases[i][0]);
        cr_expect(run->status == 1 && strstr(run->err, cases[i][1]), "%s: status %d, %s%s", cases[i][0], run->status, run->out, run->err);
    }
    shell_file("form/moved.c",
               "#include \"apart.h\"\n#include <stdio.h>\nint main(void)\n{\n    static _Alignas(64) char bytes[DIGIT_BLOB_BYTES + 4];\n    const char *reason;\n"
               "    return fread(bytes + 4, 1, DIGIT_BLOB_BYTES, stdin) != DIGIT_BLOB_BYTES || digit_weights_from_blob(bytes + 4, DIGIT_BLOB_BYTES, &reason) || puts(reason) < 0;\n}\n");
    shell_good("cd form && $CC -O1 moved.c apart.o -o moved -lm && ./moved < apart_weights.bin | grep -q 'multiple of 64'");
    /* Other weights go with the same code. */
    shell_good("mkdir again && cp digit.net digit.safetensors again && ./flip again/digit.safetensors $(($(stat -c %%s digit.safetensors) - 2)) && cd again && "
               "\"$CNNC\" digit.net -o apart.c --emit=inference --weights=digit.safetensors --weights-as=blob --target=x86-64-v2 && cmp apart.c ../form/apart.c && "
               "../form/mapped apart_weights.bin ../three.txt && ! cmp -s apart_weights.bin ../form/apart_weights.bin");
}

/* Predicts at once and with pauses; prints how many pieces there are. What predict is told stands in ports.h. */
static const char pausing[] =
    "#include \"m.h\"\n"
    "#include <stdio.h>\n"
    "#include <string.h>\n"
    "#define JOIN_(a, b) a##b\n"
    "#define JOIN(a, b) JOIN_(a, b)\n"
    "#define OF(name) JOIN(MODEL, name)\n"
    "#define SIZE(name) JOIN(UPPER, name)\n"
    "#include \"ports.h\"\n"
    "static SIZE(_ARENA) unsigned char arena[2][SIZE(_ARENA_BYTES) + 64];\n"
    "static OF(_parameters) parameters;\n"
    "static OF(_weights) weights;\n"
    "int main(void)\n"
    "{\n"
    "    float *numbers = (float *)&parameters, sum = 0;\n"
    "    OF(_progress) p;\n"
    "    int pieces = 1;\n"
    "    for (size_t i = 0; i < sizeof parameters / sizeof(float); i++) numbers[i] = (float)(i * 13 % 17) / 170 - 0.04f;\n"
    "    fill();\n"
    "    OF(_pack)(&parameters, &weights);\n"
    "    OF(_predict)(&weights, FIRST, arena[0]);\n"
    "    OF(_predict_begin)(&p, &weights, SECOND, arena[1]);\n"
    "    while (OF(_predict_next)(&p)) pieces++;\n"
    "    for (size_t i = 0; i < sizeof y[0] / sizeof(float); i++) sum += y[0][i] * y[0][i];\n"
    "    if (!(sum > 0) || memcmp(y[0], y[1], sizeof y[0])) return 1;\n"
    "    memset(y[1], 0, sizeof y[1]);\n"
    "    for (int i = 0; i < 3; i++) if (OF(_predict_next)(&p)) return 2;\n"
    "    for (size_t i = 0; i < sizeof y[1] / sizeof(float); i++) if (y[1][i] != 0) return 3;\n"
    "    printf(\"%d\\n\", pieces);\n"
    "    return 0;\n"
    "}\n";

static const char one_port[] =
    "static float x[SIZE(_INPUT_SIZE)], y[2][SIZE(_OUTPUT_SIZE)];\n"
    "static void fill(void)\n"
    "{\n"
    "    for (int i = 0; i < SIZE(_INPUT_SIZE); i++) x[i] = (float)(i * 7 % 11);\n"
    "}\n"
    "#define FIRST x, y[0]\n"
    "#define SECOND x, y[1]\n";

static const char several_ports[] =
    "static float a[12], y[2][3 + 12 + 2];\n"
    "static int32_t b[5];\n"
    "static void fill(void)\n"
    "{\n"
    "    for (int i = 0; i < 12; i++) a[i] = (float)(i - 5);\n"
    "    for (int i = 0; i < 5; i++) b[i] = i;\n"
    "}\n"
    "#define FIRST a, b, y[0], y[0] + 3, y[0] + 15\n"
    "#define SECOND a, b, y[1], y[1] + 3, y[1] + 15\n";

static void expect_same_with_pauses(const char *name, const char *options, int least_pieces)
{
    shell_good("rm -f form/m.[cho] && \"$CNNC\" %s.net -o form/m.c --emit=inference --pauses %s", name, options);
    shell_good("cd form && $CC -std=c11 " STRICT " -c m.c && $CC -O1 -Wall -Werror -DMODEL=%s -DUPPER=$(echo %s | tr a-z A-Z) main.c m.o -o main -lm", name, name);
    const Shell *run = shell("form/main");
    cr_expect(run->status == 0 && atoi(run->out) >= least_pieces, "%s %s: status %d, %s pieces", name, options, run->status, run->out);
}

Test(forms, predict_with_pauses)
{
    shell_file("form/main.c", pausing);
    shell_file("form/ports.h", one_port);
    expect_same_with_pauses("digit", "", 6);
    if (shell_has("\"$CXX\"")) shell_good("cd form && $CXX -x c++ -std=c++17 " STRICT " -c m.c -o cpp.o");
    expect_same_with_pauses("digit", "--target=generic --unroll=full", 6);
    expect_same_with_pauses("lenet5", "--target=generic --math=strict", 8);
    shell_file("view.net", "model view\ninput(2, 3)\nflatten()\n"); /* no code at all */
    expect_same_with_pauses("view", "", 1);
    /* Several inputs and outputs, and outputs that are computed elsewhere and copied. */
    shell_file("form/ports.h", several_ports);
    shell_file("ports.net",
               "model ports\na = input(4, 3)\nb = input(5, dtype=int32)\nx = flatten()(a)\ne = embedding(7, 2)(b)\nf = flatten()(e)\n"
               "c = concatenate()(x, f)\nd = dense(3, activation=tanh)(c)\ng = dense(2)(d)\noutputs(d, x, g)\n");
    expect_same_with_pauses("ports", "", 4);
    cr_expect(shell("\"$CNNC\" digit.net -o - --emit=inference | grep -E 'progress|_piece'")->status == 1, "without --pauses nothing of it is there");
}

/* Of each class of memory the section that the user names; nothing else goes there. */
Test(forms, arena_in_a_section)
{
    shell_good("\"$CNNC\" digit.net -o form/digit.c --emit=inference --weights=digit.safetensors");
    shell_file("form/place.c", "#include \"digit.h\"\nextern unsigned char *place(void);\nunsigned char *place(void)\n{\n"
                               "    static DIGIT_ARENA unsigned char arena[DIGIT_ARENA_BYTES];\n    return arena;\n}\n");
    shell_good("cd form && $CC " STRICT " -DDIGIT_ARENA_SECTION='\".fast\"' -c place.c && "
               "[ $(sed -n 's/^#define DIGIT_ARENA_BYTES \\([0-9]*\\).*/\\1/p' digit.h) = $(size -A place.o | awk '$1 == \".fast\" { print $2 }') ] && "
               "objdump -h place.o | grep fast | grep -q '2[*][*]6$'");
    shell_good("cd form && $CC " STRICT " -c place.c && ! size -A place.o | grep -q fast && objdump -h place.o | grep bss | grep -q '2[*][*]6$'");
}
