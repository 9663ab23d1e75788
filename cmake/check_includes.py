#!/usr/bin/env python3
"""Checks who includes whom: the table of ARCHITECTURE.md, as data.

    check_includes.py [ROOT]

Refuses an include against the arrows, an include that is not named from the root, a vendor's header
outside its one owner, configuration macros in public headers, and printing or exiting in the library.
Prints a line for each and ends with exit code 1 if there is one.
"""

import re
import sys
from pathlib import Path

# Folder: what it may include besides itself, include/galena, and what those may include.
ARROWS = {
    "include/galena": [],
    "src/base": [],
    "src/device": ["src/base"],
    "src/graph": ["src/device"],
    "src/ops": ["src/device", "src/graph"],
    "src/hypergraph": ["src/graph", "src/ops"],
    "src/nn": ["src/ops", "src/graph", "src/hypergraph"],
    "src/comm": ["src/device"],
    "src/train": ["src/nn", "src/comm"],
    "codegen/runtime": ["src/base"],
    "codegen/pattern": ["src/base"],
    "codegen/parse": ["codegen/pattern"],
    "codegen/passes": ["codegen/pattern", "codegen/plan", "codegen/runtime"],
    "codegen/plan": ["codegen/pattern"],
    "codegen/interpret": ["codegen/passes"],
    "codegen/emit": ["codegen/passes"],
    "codegen/builtin": ["codegen/emit"],
    "codegen/jit": ["codegen/emit"],
    "src/mine": ["codegen/parse", "codegen/interpret", "codegen/builtin", "codegen/jit", "src/graph", "src/comm"],
}
# These use everything.
FREE = ("apps", "test", "bench")

# Vendor's header: the folders it may stand in, and in how many files at most.
VENDORS = [
    (r"metis\.h", "src/graph/", 1),
    (r"(thrust|cub)/", "src/device/", None),
    (r"(cblas|cublas\w*)\.h", ("src/ops/", "test/emulator/"), None),
    (r"cusparse\w*\.h", ("bench/", "src/ops/"), 1),
    (r"mpi\.h", "src/comm/", 1),
    (r"nccl\.h", "src/comm/", 1),
    (r"nvrtc\.h", ("codegen/jit/", "test/emulator/"), 2),
    (r"cuda(_runtime\w*)?\.h", ("src/device/", "src/ops/", "src/comm/", "codegen/jit/", "test/emulator/"), None),
    (r"curl/", "src/", 1),
    (r"zlib\.h", "src/", 1),
    (r"CLI/", ("apps/", "bench/"), None),
    (r"catch2/", "test/support/", None),
    (r"benchmark/", "bench/", None),
]

SUFFIXES = {".hpp", ".h", ".cpp", ".cu", ".cuh"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
PRINTS = re.compile(r"\bstd::(cout|cerr|clog|exit|abort|quick_exit|terminate)\b|(?<![\w:.>])f?printf\s*\(|\bfmt::print\s*\(")


def owner(path):
    """The folder of the table that `path` lies in, or None."""
    folders = [f for f in (*ARROWS, *FREE) if path == f or path.startswith(f + "/")]
    return max(folders, key=len, default=None)


def reachable(folder):
    """`folder` and all that its arrows lead to."""
    seen, stack = set(), [folder]
    while stack:
        top = stack.pop()
        if top not in seen:
            seen.add(top)
            stack.extend(ARROWS[top])
    return seen | {"include/galena"}


def without_comment(line):
    return STRING.sub('""', line).split("//")[0]


class Checker:
    def __init__(self, root):
        self.root = Path(root)
        self.problems = []
        self.users = {}  # vendor pattern: files outside test and bench

    def complain(self, place, what):
        self.problems.append(f"{place}: {what}")

    def check_own(self, path, place, name):
        target = "include/" + name if name.startswith("galena/") else name
        if not (self.root / target).exists():
            beside = (self.root / path).parent / name
            if not beside.exists() and owner(target) is None:
                return  # generated, or a system header in quotes
            if beside.exists():
                self.complain(place, f'"{name}" is not named from the root of the tree')
                return
        folder, wanted = owner(path), owner(target)
        if folder in FREE or folder is None or wanted is None:
            return
        if wanted not in reachable(folder):
            self.complain(place, f'{folder} must not include {wanted} ("{name}")')

    def check_vendor(self, path, place, name):
        for pattern, folders, _ in VENDORS:
            if not re.match(pattern, name):
                continue
            folders = (folders,) if isinstance(folders, str) else folders
            # Tests may use a library to make their input; not two test or benchmark frameworks.
            if path.startswith(("test/", "bench/")) and pattern not in ("catch2/", "benchmark/"):
                return
            if not path.startswith(tuple(folders)):
                self.complain(place, f"<{name}> belongs to {' or '.join(folders)} only")
                return
            self.users.setdefault(pattern, set()).add(path)

    def check_file(self, path):
        library = owner(path) not in FREE
        text = (self.root / path).read_text(encoding="utf-8", errors="replace")
        if path.endswith((".hpp", ".h", ".cuh")) and "#pragma once" not in text:
            self.complain(f"{path}:1", "a header begins with #pragma once")
        for number, line in enumerate(text.splitlines(), 1):
            place = f"{path}:{number}"
            if match := INCLUDE.match(line):
                if match[1]:
                    self.check_own(path, place, match[1])
                self.check_vendor(path, place, match[1] or match[2])
            elif library and PRINTS.search(without_comment(line)):
                self.complain(place, "the library never prints, exits or aborts: throw galena::Error")
            if path.startswith("include/") and re.match(r"\s*#\s*(if|el)", line):
                self.complain(place, "public headers have no conditional compilation")

    def run(self):
        files = sorted(
            f.relative_to(self.root).as_posix()
            for top in ("include", "src", "codegen", *FREE)
            for f in (self.root / top).rglob("*")
            if f.suffix in SUFFIXES
        )
        for path in files:
            if owner(path) is None:
                self.complain(path, "lies in no folder of the table in cmake/check_includes.py")
            else:
                self.check_file(path)
        for pattern, _, most in VENDORS:
            users = self.users.get(pattern, set())
            if most is not None and len(users) > most:
                self.complain(", ".join(sorted(users)), f"{pattern} may be included by {most} file only")
        return self.problems


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    problems = Checker(root).run()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
