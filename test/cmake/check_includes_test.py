#!/usr/bin/env python3
"""check_includes.py finds what it should in small trees, and nothing else."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "cmake"))
from check_includes import ARROWS, Checker, reachable  # noqa: E402


class CheckIncludes(unittest.TestCase):
    def problems(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return Checker(folder).run()

    def assert_one(self, files, part):
        problems = self.problems(files)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(part, problems[0])

    def test_along_the_arrows(self):
        self.assertEqual(self.problems({
            "src/base/a.hpp": "#pragma once\n",
            "src/graph/b.cpp": '#include "src/base/a.hpp"\n#include <metis.h>\n#include <vector>\n',
            "include/galena/g.hpp": "#pragma once\n#include <vector>\n",
            "apps/x.cpp": '#include <CLI/CLI.hpp>\n#include "src/base/a.hpp"\n#include "galena/g.hpp"\n',
        }), [])

    def test_against_the_arrows(self):
        self.assert_one({"src/graph/a.hpp": "#pragma once\n", "src/base/b.cpp": '#include "src/graph/a.hpp"\n'},
                        "src/base/b.cpp:1: src/base must not include src/graph")

    def test_mining_knows_nothing_of_training(self):
        self.assertNotIn("src/train", reachable("src/mine"))
        self.assertNotIn("src/graph", reachable("codegen/jit"))

    def test_arrows_have_no_cycle(self):
        for folder, targets in ARROWS.items():
            for target in targets:
                self.assertNotIn(folder, reachable(target))

    def test_not_from_the_root(self):
        self.assert_one({"src/base/a.hpp": "#pragma once\n", "src/base/b.cpp": '#include "a.hpp"\n'}, "from the root")

    def test_vendor_outside_its_owner(self):
        self.assert_one({"src/mine/a.cpp": "#include <metis.h>\n"}, "belongs to src/graph/")

    def test_vendor_in_two_files(self):
        self.assert_one({"src/graph/a.cpp": "#include <zlib.h>\n", "src/graph/b.cpp": "#include <zlib.h>\n"}, "1 file only")

    def test_printing(self):
        self.assert_one({"src/base/a.cpp": 'void f() { std::cout << "x"; }\n'}, "never prints")
        self.assertEqual(self.problems({"src/base/a.cpp": 'auto s = "std::cout"; // printf(\nsnprintf(b, 1, "");\n'}), [])

    def test_public_headers_have_no_switches(self):
        self.assert_one({"include/galena/a.hpp": "#pragma once\n#ifdef GALENA_CUDA\n"}, "conditional")


if __name__ == "__main__":
    unittest.main()
