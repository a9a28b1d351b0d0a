"""Says which digit pictures show, by the network in libdigit.so; Python's own library is all it needs.

    python3 classify.py three.txt ...

`probabilities` takes any writable buffer of float32: an array.array("f"), or a NumPy array of shape (n, 28, 28), which is not copied.
"""
import array
import ctypes
import pathlib
import sys

SIDE = 28
SHADES = " .:-=+*#%@"

library = ctypes.CDLL(str(pathlib.Path(__file__).resolve().with_name("libdigit.so")))
library.probabilities.argtypes = [ctypes.POINTER(ctypes.c_float), ctypes.POINTER(ctypes.c_float), ctypes.c_size_t]
library.probabilities.restype = None
CLASSES = library.classes()


def probabilities(pictures):
    """One list of probabilities for each picture in the buffer."""
    view = memoryview(pictures)
    if view.format != "f" or view.nbytes % (4 * SIDE * SIDE):
        raise ValueError("pictures are float32, 28 x 28 of them each")
    count = view.nbytes // (4 * SIDE * SIDE)
    results = (ctypes.c_float * (count * CLASSES))()
    library.probabilities((ctypes.c_float * (view.nbytes // 4)).from_buffer(pictures), results, count)
    return [results[i * CLASSES:(i + 1) * CLASSES] for i in range(count)]


def read_picture(path):
    lines = pathlib.Path(path).read_text().split("\n")[:SIDE]
    return array.array("f", (255 * SHADES.index(c) / 9 for line in lines for c in line.ljust(SIDE)[:SIDE]))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        answer, = probabilities(read_picture(name))
        best = max(range(CLASSES), key=answer.__getitem__)
        print(f"{best} ({100 * answer[best]:.1f} %)")
