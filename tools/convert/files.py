"""Files are written beside their place, synced and renamed: a failure leaves the old file, and nothing else."""

import os
from pathlib import Path


def replace(path, pieces):
    beside = f"{path}.{os.getpid()}.tmp"
    try:
        with open(beside, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
