"""What does the server hold at a moment, and what do many such moments tell?"""

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Sample:
    at: float
    resident_kb: int
    descriptors: int
    threads: int


class Samples:
    """What /proc tells of a process, from now on."""

    def __init__(self, pid):
        self.folder = Path(f"/proc/{pid}")
        self.began = time.monotonic()
        self.all = []
        self.take()

    def take(self):
        lines = (self.folder / "status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        self.all.append(
            Sample(
                time.monotonic() - self.began,
                int(status["VmRSS"].split()[0]),
                len(os.listdir(self.folder / "fd")),
                int(status["Threads"]),
            )
        )

    def after(self, part):
        """Those after this part of the time."""
        begin = self.all[-1].at * part
        return [sample for sample in self.all if sample.at >= begin]

    def latest(self):
        sample = self.all[-1]
        return f"{sample.at / 60:.0f} min: {sample.resident_kb / 1024:.1f} MB, {sample.descriptors} descriptors"


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


def slope(points):
    """By how much y grows for each x: the line with the least squares."""
    count = len(points)
    middle_x = sum(x for x, _ in points) / count
    middle_y = sum(y for _, y in points) / count
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread if spread else 0.0
