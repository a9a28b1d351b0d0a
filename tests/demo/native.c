/* The demo's network compiled for this machine: reads all tensors and a picture, writes the probabilities and what each layer gives, all
 * as plain floats. numbers.mjs compares them with those of WebAssembly. */
#include "demo.c"

#include <stdio.h>

static void read_floats(float *to, size_t count)
{
    if (fread(to, sizeof *to, count, stdin) != count) exit(1);
}

int main(void)
{
    begin();
    for (int i = 0; i < tensor_count(); i++) read_floats(tensor_values(i), tensor_floats(i));
    read_floats(input_values(), input_floats());
    ready();
    predict();
    look();
    fwrite(output_values(), sizeof(float), output_floats(), stdout);
    for (int i = 0; i < feature_count(); i++) fwrite(feature_values(i), sizeof(float), floats(&cnnc_model.features[i]), stdout);
    return fflush(stdout) ? 1 : 0;
}
