"""What the converter writes when the disk is full or broken: the old file stays, and nothing is left beside it."""

import errno
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from convert import files, safetensors_file


class Faults(unittest.TestCase):
    def test_each_call_fails_once(self):
        for call in ("os.fsync", "os.replace"):
            for number in (errno.ENOSPC, errno.EIO):
                with self.subTest(call), tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / "w.safetensors"
                    path.write_text("old")
                    with mock.patch(call, side_effect=OSError(number, "broken")), self.assertRaises(OSError):
                        safetensors_file.write(path, {"a": np.ones(1000)})
                    self.assertEqual(path.read_text(), "old")
                    self.assertEqual([entry.name for entry in Path(folder).iterdir()], [path.name])

    def test_a_full_disk(self):
        def pieces():
            yield b"half"
            raise OSError(errno.ENOSPC, "full")

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "net"
            with self.assertRaises(OSError):
                files.replace(path, pieces())
            self.assertEqual(list(Path(folder).iterdir()), [])
            files.replace(path, [b"a", b"b"])
            self.assertEqual(path.read_bytes(), b"ab")


if __name__ == "__main__":
    unittest.main()
