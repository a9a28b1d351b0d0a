// Two networks in one C++ program, which share their scratch memory. Each says what it sees.
#include "digit.h"
#include "lenet5.h"
#include "picture.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

// A network's functions and sizes as a type. Networks that take turns can share one arena, as large as the largest needs.
template <class Weights, std::size_t Inputs, std::size_t Outputs>
struct Network {
    static_assert(Inputs == PICTURE_SIZE, "a network for pictures of digits");
    const Weights *weights;
    void (*predict)(const Weights *, const float *, float *, void *);

    std::array<float, Outputs> operator()(const std::array<float, Inputs> &input, void *arena) const
    {
        std::array<float, Outputs> output;
        predict(weights, input.data(), output.data(), arena);
        return output;
    }
};

int main(int argc, char **argv)
{
    alignas(DIGIT_ALIGNMENT) alignas(LENET5_ALIGNMENT) static unsigned char
        arena[std::max<std::size_t>(DIGIT_ARENA_BYTES, LENET5_ARENA_BYTES)];
    const Network<digit_weights, DIGIT_INPUT_SIZE, DIGIT_OUTPUT_SIZE> digit{digit_trained, digit_predict};
    const Network<lenet5_weights, LENET5_INPUT_SIZE, LENET5_OUTPUT_SIZE> lenet5{lenet5_trained, lenet5_predict};

    std::array<float, PICTURE_SIZE> picture;
    std::ifstream file(argc > 1 ? argv[1] : "three.txt");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file || !picture_read(text.c_str(), picture.data())) {
        std::fprintf(stderr, "usage: %s [PICTURE]: 28 lines of 28 characters of \" .:-=+*#%%@\"\n", argv[0]);
        return 1;
    }
    const auto say = [](std::string_view name, const auto &probability) {
        const int best = largest(probability.data(), static_cast<int>(probability.size()));
        std::printf("%s: %d (%.1f %%)\n", name.data(), best, 100.0 * static_cast<double>(probability[static_cast<std::size_t>(best)]));
    };
    say("digit", digit(picture, arena));
    say("lenet5", lenet5(picture, arena));
}
