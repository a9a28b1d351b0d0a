/* examples/demo: the network in WebAssembly, with SIMD and without, gives the numbers that it gives here. The page itself is
 * tried in a browser, which is large, by `make test-demo`. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(demo, .init = shell_enter, .fini = shell_leave, .timeout = 200 * PATIENCE);

Test(demo, same_numbers_as_here)
{
    if (!shell_has("clang") || !shell_has("wasm-ld") || !shell_has("node") ||
        shell("test -e /usr/lib/wasm32-wasi/libc.a")->status)
        cr_skip_test("a compiler for WebAssembly or what runs it is not installed (clang, lld, wasi-libc, nodejs)");
    shell_good("make -s -C \"$ROOT/examples/demo\" OUT=\"$PWD/out\" CNNC=\"$CNNC\" \"$PWD/out/index.html\"");
    shell_good("$CC -O2 -DTABLE='\"network_trainer.c\"' -Iout -I\"$BUILD/include\" -I\"$ROOT/examples/demo\" -o native "
               "\"$ROOT/tests/demo/native.c\" out/network.c -lm");
    shell_good("node \"$ROOT/tests/demo/numbers.mjs\" \"$ROOT/examples/demo\" ./native "
               "\"$ROOT/examples/lenet5/lenet5.safetensors\" out/simd.wasm out/plain.wasm");
    /* One of them is smaller by what vectors do at once; both are asked for nothing by the page but to be there. */
    shell_good(
        "node -e 'const fs = require(\"fs\"); for (const name of [\"simd\", \"plain\"]) "
        "if (WebAssembly.Module.imports(new WebAssembly.Module(fs.readFileSync(`out/${name}.wasm`))).length) process.exit(1)'");
    cr_expect_str_eq(
        shell("grep -cE '(src|href)=\"[^d]|https?:' out/index.html")->out, "0\n", "the page refers to something outside");
}
