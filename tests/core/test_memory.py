"""Freed memory serves the next tensor without a page fault, up to the size that was asked for."""

import os
import platform
import subprocess
import sys

import pytest

from rugged.core import memory

MEGABYTE = 1 << 20
PAGES = MEGABYTE // os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 256

# Faults of five rounds of filling and freeing a block, after some that are not counted: tensors are aligned, and until
# the C library has a few chips of that size in store, each block leaves one behind that keeps it apart from the next.
COUNT_FAULTS = """
import resource, sys
import torch
from rugged.core.memory import NETWORKS, PARTS, keep_freed_memory

for call in sys.argv[2:]:
    exec(call)

def use():
    torch.ones(int(sys.argv[1]), dtype=torch.uint8)

for _ in range(20):
    use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def recent_glibc() -> bool:
    name, version = platform.libc_ver()
    return name == "glibc" and tuple(int(part) for part in version.split(".")) >= (2, 36)


SOME, MUCH = "keep_freed_memory(PARTS)", "keep_freed_memory(NETWORKS)"

needs_glibc = pytest.mark.skipif(
    not recent_glibc(), reason="other C libraries, and older versions of glibc, cannot be told so much"
)


def faults_by_page(megabytes, *calls, **environment):
    """Page faults for each page of a block of so many megabytes, each time that it is used, after these calls."""
    arguments = [sys.executable, "-c", COUNT_FAULTS, str(megabytes * MEGABYTE), *calls]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(arguments, env=inherited | environment, capture_output=True, text=True, check=True)
    return int(done.stdout) / (5 * megabytes * PAGES)


@pytest.fixture(scope="module")
def faults_are_seen():
    if faults_by_page(200) < 0.5:
        pytest.skip("the system does not count page faults, or fetches 2 MB with each")


@needs_glibc
@pytest.mark.usefixtures("faults_are_seen")
@pytest.mark.parametrize(
    ("megabytes", "calls"),
    [
        (24, [SOME]),
        (24, [MUCH]),
        (200, [MUCH]),
        (200, [SOME, MUCH]),
        (200, [MUCH, SOME]),
        (200, ["from rugged.engine import make_fabric; make_fabric('cpu', keep_memory=True)"]),
    ],
)
def test_what_is_kept_costs_no_page_faults(megabytes, calls):
    assert faults_by_page(megabytes, *calls) < 0.01


@needs_glibc
@pytest.mark.usefixtures("faults_are_seen")
@pytest.mark.parametrize(
    "environment", [{"MALLOC_MMAP_THRESHOLD_": "65536"}, {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=65536"}]
)
def test_a_threshold_in_the_environment_is_left_alone(environment):
    assert faults_by_page(24, MUCH, **environment) > 0.5


@needs_glibc
@pytest.mark.usefixtures("faults_are_seen")
def test_more_than_was_asked_for_goes_back_to_the_system():
    assert faults_by_page(200, SOME) > 0.5


class OldLibrary:
    """A C library that can be told up to 32 MB."""

    def __init__(self):
        self.told = {}

    def mallopt(self, parameter, value):
        if parameter == -3 and value > 32 * MEGABYTE:
            return 0
        self.told[parameter] = value
        return 1


@pytest.fixture
def old_library(monkeypatch):
    library = OldLibrary()
    monkeypatch.setattr(memory, "_kept", 0)
    monkeypatch.setattr("ctypes.CDLL", lambda _: library)
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    return library


def test_an_older_library_is_told_what_it_takes(old_library):
    memory.keep_freed_memory(memory.NETWORKS)
    assert old_library.told == {-3: 32 * MEGABYTE, -1: 64 * MEGABYTE}


def test_other_settings_of_the_environment_change_nothing(old_library, monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.arena_max=2")
    memory.keep_freed_memory()
    assert old_library.told == {-3: 32 * MEGABYTE, -1: 64 * MEGABYTE}


def test_a_library_without_the_call_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory, "_kept", 0)
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    memory.keep_freed_memory(memory.NETWORKS)
