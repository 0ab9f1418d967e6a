# Copyright (C) nginx AI edge contributors
# SPDX-License-Identifier: BSD-2-Clause
#
# Starts and ends the processes of a measurement, each by its pid, and reads
# what they cost from /proc.  Knows nothing of what they serve.

import os
import re
import signal
import socket
import string
import subprocess
import sys
import time

TICK_US = 1000000 // os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))

# What is measured has the first core for itself; load and stubs share
# another one, so that they do not take its time.
SERVER = CORES[0]
OTHERS = CORES[1:2] or CORES[:1]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process, name):
    """Returns when something listens on the port."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.returncode}")
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{name} does not listen")


def stat_us(pid):
    """User and kernel time of a process with all its threads."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return int(fields[11]) * TICK_US, int(fields[12]) * TICK_US


class Process:
    """A started process; ends with the "with" block."""

    def __init__(self, name, argv, port, cores, stderr=None):
        self.name = name
        self.port = port
        self.process = subprocess.Popen(
            argv, stdout=subprocess.DEVNULL, stderr=stderr,
            preexec_fn=lambda: os.sched_setaffinity(0, cores))
        try:
            wait_for(port, self.process, name)
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                return
            self.process.send_signal(sig)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                pass


class Nginx(Process):
    """nginx with one worker on one core, from a template of conf/."""

    def __init__(self, bench, template, core=SERVER, port=None, program=None,
                 **values):
        name = os.path.splitext(template)[0]
        port = port or free_port()
        home = os.path.join(bench.work, f"{name}-{port}")
        conf = os.path.join(home, "nginx.conf")

        with open(os.path.join(bench.here, "conf", template)) as f:
            text = string.Template(f.read())
        with open(os.path.join(bench.here, "conf", "head.conf")) as f:
            head = string.Template(f.read())

        os.makedirs(home)
        head = head.substitute(user="user root;" if os.geteuid() == 0 else "")

        class Dollars(dict):
            """Leaves variables of nginx as they are."""

            def __missing__(self, key):
                return "$" + key

        values.update(port=port, head=head, files=bench.files)
        with open(conf, "w") as f:
            f.write(text.substitute(Dollars(values)))

        self.log = os.path.join(home, "error.log")
        try:
            with open(self.log, "w") as log:
                super().__init__(name, [program or bench.nginx, "-p", home,
                                        "-c", conf, "-e", self.log],
                                 port, [core], log)
        except RuntimeError:
            with open(self.log) as log:
                sys.stderr.write(log.read())
            raise

        self.pids = [self.process.pid, *self.workers()]

    def workers(self):
        """The master listens before it has a worker."""
        pid = self.process.pid
        for _ in range(500):
            with open(f"/proc/{pid}/task/{pid}/children") as f:
                found = [int(p) for p in f.read().split()]
            if found:
                return found
            time.sleep(0.01)
        self.stop()
        raise RuntimeError(f"{self.name}: no worker")

    def cpu_us(self):
        """User and kernel time of master and worker."""
        return tuple(map(sum, zip(*map(stat_us, self.pids))))

    def pss_kb(self):
        """Memory of the workers, shared pages divided by their users."""
        total = 0
        for pid in self.pids[1:]:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                for line in f:
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        return total

    def check_log(self):
        """A line in the error log means that we measured a failure."""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            bad = [line for line in f
                   if re.search(r"\[(error|crit|alert|emerg)\]", line)]
        if bad:
            raise RuntimeError(f"{self.name}: {bad[0].strip()}")


def script(bench, name, port, *args):
    """A Python helper of ours that listens on a port."""
    path = os.path.join(bench.here, name)
    return Process(name, [sys.executable, path, str(port), *map(str, args)],
                   port, OTHERS)
