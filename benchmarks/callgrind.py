"""Instructions that this process executes, where it runs under Valgrind's callgrind: what no neighbour on the machine can change.

Valgrind hears of a request by a sequence of instructions that means nothing elsewhere (valgrind.h); it is put into memory as it is,
so that nothing has to be compiled.
"""

import ctypes
import mmap
import os
import platform
import re
from pathlib import Path

FOLDER_VARIABLE = "DBHARNESS_BENCHMARK_CALLGRIND"  # where it writes; not set where nothing is counted
_BASE = ord("C") << 24 | ord("T") << 16
_ZERO, _DUMP_AT, _START = _BASE + 1, _BASE + 3, _BASE + 4
_CODE = bytes.fromhex(
    "4889f8"  # mov rax, rdi: the request
    "31d2"  # xor edx, edx: the answer where nobody listens
    "48c1c70348c1c70d48c1c73d48c1c733"  # rol rdi by 3, 13, 61, 51
    "4887db"  # xchg rbx, rbx
    "4889d0c3"  # mov rax, rdx; ret
)


def command(folder: Path) -> list[str]:
    """What to put before a command so that it can count."""
    return [
        "valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", "--dump-line=no", f"--callgrind-out-file={folder}/%p",
    ]  # fmt: skip


class Counter:
    """Counts from ``begin`` to ``end``; both do nothing but give 0 outside of callgrind."""

    def __init__(self) -> None:
        folder = os.environ.get(FOLDER_VARIABLE)
        self._folder = Path(folder) if folder else None
        self._parts = 0
        if self._folder is None:
            return
        if platform.machine() != "x86_64":
            raise OSError(f"instructions are counted on x86-64 only, this is {platform.machine()}")
        self._memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._memory.write(_CODE)
        at = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._call = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(at)

    def begin(self) -> None:
        """From zero; the first time takes a while, since all code is looked at anew."""
        if self._folder is not None:
            self._ask(_START)
            self._ask(_ZERO)

    def end(self) -> int:
        """Instructions since ``begin``, of all threads."""
        if self._folder is None:
            return 0
        text = ctypes.create_string_buffer(b"end")
        self._ask(_DUMP_AT, ctypes.addressof(text))
        self._parts += 1
        written = (self._folder / f"{os.getpid()}.{self._parts}").read_text()
        return int(re.findall(r"^totals: (\d+)", written, re.MULTILINE)[-1])

    def _ask(self, request: int, argument: int = 0) -> None:
        asked = (ctypes.c_uint64 * 6)(request, argument)
        self._call(ctypes.addressof(asked))
