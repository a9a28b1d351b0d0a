/* --ram and --flash: what fits to the byte passes, one byte less is refused, with what is largest and what would help. */
#include "shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(limits, .init = shell_enter, .fini = shell_leave);

static const char *network = "examples/lenet5/lenet5.net";

static long macro(const char *name)
{
    return strtol(shell("sed -n 's/^#define LENET5_%s_BYTES \\([0-9]*\\).*/\\1/p' model.h", name)->out, NULL, 10);
}

enum { PORTS = (28 * 28 + 10) * 4 };

Test(limits, hold_to_the_byte)
{
    shell_good("\"$CNNC\" \"$ROOT\"/%s -o model.c --emit=inference", network);
    long arena = macro("ARENA") + PORTS, weights = macro("WEIGHTS");
    cr_assert(arena > PORTS && weights > 200000);
    shell_good("cp model.c without.c");
    shell_good("\"$CNNC\" \"$ROOT\"/%s -o model.c --emit=inference --ram=%ld && cmp model.c without.c", network, arena + weights);
    shell_good("\"$CNNC\" \"$ROOT\"/%s -o model.c --emit=inference --ram=%ld --flash=%ld", network, arena, weights);
    shell_good("\"$CNNC\" \"$ROOT\"/%s -o model.c --emit=inference --ram=%ld --weights=\"$ROOT/examples/lenet5/lenet5.safetensors\"", network, arena);
    shell_good("\"$CNNC\" \"$ROOT\"/%s --summary --ram=256K --flash=1M", network);
    shell_good("rm model.*");
    shell_refused("bytes of RAM, 1 more", "\"$CNNC\" \"$ROOT\"/%s -o model.c --emit=inference --ram=%ld", network, arena + weights - 1);
    shell_refused("bytes of RAM, 1 more", "\"$CNNC\" \"$ROOT\"/%s -o model.c --emit=inference --ram=%ld --flash=1G", network, arena - 1);
    shell_refused("bytes of flash for its weights, 1 more", "\"$CNNC\" \"$ROOT\"/%s -o model.c --emit=inference --flash=%ld", network, weights - 1);
    cr_expect_str_eq(shell("ls model.* 2>/dev/null")->out, "");
}

/* The largest come first, and advice that is said to fit does. */
Test(limits, say_what_would_help)
{
    shell_good("\"$CNNC\" \"$ROOT\"/%s -o model.c --emit=inference --target=generic", network);
    long wanted = macro("ARENA") + PORTS - 1;
    shell_refused("the arena is fullest while conv2d_1 is computed:", "\"$CNNC\" \"$ROOT\"/%s -o model.c --target=generic --ram=%ld --flash=1M 2> said; status=$?; cat said >&2; exit $status", network, wanted);
    cr_expect(shell("grep -q -e '--math=strict: RAM .* bytes; that fits$' said && ! grep -q -e '--target' said")->status == 0);
    shell_good("\"$CNNC\" \"$ROOT\"/%s -o model.c --target=generic --ram=%ld --flash=1M --math=strict", network, wanted);
    shell_refused("  1,605,632 bytes  dense/kernel (784, 512)\n", "\"$CNNC\" \"$ROOT/examples/mlp/mlp.net\" -o model.c --ram=256K --flash=1M");
    shell_good("\"$CNNC\" \"$ROOT/examples/mlp/mlp.net\" -o model.c --ram=256K --flash=2M");
    shell_refused("weights in flash: --flash=SIZE, or --weights=FILE, which makes them constant data: RAM 8,",
                  "\"$CNNC\" \"$ROOT/examples/mlp/mlp.net\" -o model.c --ram=256K");
}

/* A network that can be given its sequence frame by frame needs less so: as much as is said. */
Test(limits, say_what_frames_need)
{
    static const char refused[] = "\"$CNNC\" \"$ROOT/examples/%s.net\" -o model.c --flash=8M --ram=%ld 2>&1 | grep -c '%s'";
    shell_file("size.c",
               "#include <stdio.h>\n#include \"model.h\"\nint main(void)\n{\n"
               "    printf(\"%d\", (int)(LSTM_STEP_ARENA_BYTES + sizeof(lstm_state) + 4 * (LSTM_FRAME_SIZE + LSTM_STEP_OUTPUT_SIZE)));\n}\n");
    shell_good("\"$CNNC\" \"$ROOT/examples/lstm/lstm.net\" -o model.c --emit=inference && $CC size.c -o size");
    long bytes = strtol(shell("./size")->out, NULL, 10);
    cr_assert(bytes > 4000 && bytes < 16000, "%ld", bytes);
    char said[64];
    snprintf(said, sizeof said, "lstm_step .*RAM %ld,%03ld bytes; that fits", bytes / 1000, bytes % 1000);
    cr_expect_str_eq(shell(refused, "lstm/lstm", bytes, said)->out, "1\n", "%s", said);
    cr_expect_str_eq(shell(refused, "lstm/lstm", bytes - 1, said)->out, "0\n");
    cr_expect_str_eq(shell(refused, "lstm/lstm", bytes - 1, "lstm_step")->out, "1\n");
    cr_expect_str_eq(shell(refused, "lstm/lstm", bytes - 1, "  --target=generic")->out, "0\n", "it needs less flash, which is not short");
    cr_expect_str_eq(shell(refused, "mnist_cnn/mnist_cnn", 1000L, "_step")->out, "0\n");
}

Test(limits, sizes)
{
    static const char *const bad[] = {"", "0", "K", "1X", "-1", "1KK", "0x10", "1.5M", " 5K", "+5K", "9999999999999", "2000G"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) shell_refused("expected a number of bytes", "\"$CNNC\" \"$ROOT/%s\" -o model.c '--ram=%s'", network, bad[i]);
}
