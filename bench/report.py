# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Collects what was measured and prints it, as text and as RESULTS.md.

import datetime
import os
import platform
import re
import statistics
import subprocess


def median(samples, field):
    return statistics.median(getattr(s, field) for s in samples)


def spread(samples, field):
    """Half of the middle range: how far rounds differ from each other."""
    return half_range(getattr(s, field) for s in samples)


def half_range(values):
    values = sorted(values)
    return (values[-1 - len(values) // 4] - values[len(values) // 4]) / 2


def added(samples, bare, field):
    """Median and spread of what samples have over those of the same round.

    What changes on the machine between rounds is in both of a round.
    """
    over = [getattr(s, field) - getattr(b, field)
            for s, b in zip(samples, bare, strict=True)]
    return statistics.median(over), half_range(over)


def ratio(samples, bare, field):
    """Median of what bare has, as a part of what the same round's has."""
    return statistics.median(
        getattr(b, field) / getattr(s, field)
        for s, b in zip(samples, bare, strict=True))


class Report:
    def __init__(self, bench):
        self.bench = bench
        self.lines = []
        self.missed = []

    def add(self, line=""):
        print(line, flush=True)
        self.lines.append(line)

    def title(self, text):
        self.add()
        self.add(f"## {text}")
        self.add()

    def table(self, head, rows):
        self.add("| " + " | ".join(head) + " |")
        self.add("|---" * len(head) + "|")
        for row in rows:
            self.add("| " + " | ".join(row) + " |")
        self.add()

    def compared(self, taken, bare, to, connections):
        """A table of the ways of taken beside the one named bare."""
        self.add(f"{connections} connections:")
        self.add()
        reference = taken[bare]
        self.table(
            ("", "CPU us/request", "added us", f"ratio to {to}",
             "requests/s"),
            [(name,
              f"{median(s, 'cpu'):.1f} ± {spread(s, 'cpu'):.1f}",
              "{:.2f} ± {:.2f}".format(*added(s, reference, "cpu"))
              if name != bare else "",
              f"{ratio(s, reference, 'cpu'):.2f}",
              f"{median(s, 'rps'):.0f}")
             for name, s in taken.items()])

    def by_load(self, taken, bare, to, budgets):
        """The same by connections, with what each way may cost."""
        for connections, ways in taken.items():
            self.compared(ways, bare, to, connections)
            for name, (most, least) in budgets.items():
                self.budget(name, ways[name], ways[bare], most, least)
            self.add()

    def target(self, what, value, limit, unit):
        """One line that says whether a number is within its budget."""
        self.verdict(what, f"{value:.2f} {unit}", f"{limit:g} {unit}",
                     value <= limit)

    def at_least(self, what, value, limit):
        """The same of a ratio, which is better the larger it is."""
        self.verdict(what, f"{value:.2f}", f"at least {limit:g}",
                     value >= limit)

    def verdict(self, what, value, limit, met):
        if not met:
            self.missed.append(what)
        self.add(f"- {what}: {value}, target {limit}: "
                 + ("met" if met else "**missed**"))

    def budget(self, what, samples, bare, most, least):
        """What samples may have more than bare, in us, and the ratio."""
        self.target(f"CPU added, {what}", added(samples, bare, "cpu")[0],
                    most, "us")
        self.at_least(f"ratio, {what}", ratio(samples, bare, "cpu"), least)

    def write(self, path):
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(self.preamble() + self.lines) + "\n")

    def preamble(self):
        version = subprocess.run([self.bench.nginx, "-v"],
                                 capture_output=True, text=True).stderr
        with open("/proc/cpuinfo") as f:
            model = re.search(r"model name\s*: (.*)", f.read())
        now = datetime.datetime.now(datetime.timezone.utc)

        return [
            "# Results of `make bench`",
            "",
            "Written by `bench/run`; numbers of one machine on one day.",
            "",
            f"- date: {now:%Y-%m-%d %H:%M} UTC, revision "
            f"{self.bench.revision}",
            f"- machine: {os.cpu_count()} x "
            f"{model.group(1) if model else platform.machine()}, "
            f"Linux {platform.release()}, load before the run "
            f"{self.bench.load:.1f}",
            f"- nginx: {version.strip().rpartition('/')[2]}, one worker on "
            "a core of its own; load and stubs on another",
            f"- rounds: {self.bench.rounds}, edge and reference taking turns; "
            "medians, with half the distance of the quartiles",
        ]
