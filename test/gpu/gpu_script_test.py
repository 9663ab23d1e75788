#!/usr/bin/env python3
"""bench/gpu.sh over a bundle of small scripts in the place of its programs: what it writes is JSON whatever becomes of
them, and holds what came before."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"

PROBE = 'if [ "${1:-}" = --devices ]; then echo \'{"section":"device","names":["A GPU"]}\'; exit 0; fi\n'
SPMM = ('echo \'{"section":"spmm","graph":"g","width":32,"galena":2,"cusparse_alg2":4,"speedup":2.0,"speedup_weighted":1.5}\'\n'
        'echo \'{"section":"spmm","graph":"g","width":64,"galena":2,"cusparse_alg2":1,"speedup":0.5,"speedup_weighted":1.5}\'\n')
EPOCHS = ('echo \'{"section":"epochs","dataset":"er 2708","model":"gcn","hidden":16,"replay":true,"epoch_median":50}\'\n'
          'echo \'{"section":"epochs","dataset":"er 2708","model":"gcn","hidden":16,"replay":false,"epoch_median":90}\'\n'
          'echo \'{"section":"epochs","dataset":"er 2708","model":"gcn","hidden":16,"replay":true,"epoch_median":5,'
          '"precision":"bf16"}\'\n')
MINE = ('case $* in *cpu*) seconds=2 ;; *) seconds=0.05 ;; esac\n'
        'echo "{\\"queries\\":[{\\"count\\":\\"7\\",\\"seconds\\":9},{\\"count\\":\\"7\\",\\"seconds\\":$seconds}]}"\n')
NCU = ('echo "a line of the program\'s"\n'
       'echo \'"0","galena_warps","smsp__inst_executed.sum","inst","10"\'\n'
       'echo \'"0","galena_warps","smsp__thread_inst_executed.sum","inst","240"\'\n')


class GpuScript(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        self.folder = Path(self.place.name)
        for name in ("gpu.sh", "gpu/gpu_targets.py"):
            target = self.folder / Path(name).name
            target.write_bytes((BENCH / name).read_bytes())
            target.chmod(0o755)
        self.programs = {"bench_gpu": PROBE + SPMM + EPOCHS, "test_cuda": "echo 'All tests passed'", "galena": MINE,
                         "test_mine_cuda": "echo 'SKIPPED: no data'; echo 'All tests passed'",
                         "cuda/bin/ncu": NCU, "cuda/bin/compute-sanitizer": "exit 0"}

    def bundle(self):
        for name, text in self.programs.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("#!/usr/bin/env bash\n" + text + "\n")
            path.chmod(0o755)

    def start(self, **variables):
        self.bundle()
        environment = {**os.environ, "CUDA_HOME": str(self.folder / "cuda"), "PYTHONPATH": str(self.folder / "python"),
                       "CUDA_VISIBLE_DEVICES": "0", **{k: str(v) for k, v in variables.items()}}
        return subprocess.Popen(["bash", str(self.folder / "gpu.sh"), str(self.folder / "out.json")], env=environment,
                                stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)

    def report(self):
        return json.loads((self.folder / "out.json").read_text())

    def has_bench(self):
        file = self.folder / "out.json"
        return file.exists() and '"bench":' in file.read_text()

    def run_all(self, code=0, **variables):
        self.assertEqual(self.start(**variables).wait(), code)
        return self.report()

    def reached(self, report):
        return {row["what"]: row["reached"] for row in report["targets"]}

    def test_all_goes_well(self):
        (self.folder / "python/torch_geometric").mkdir(parents=True)
        (self.folder / "python/torch_geometric/__init__.py").write_text("")
        (self.folder / "gpu_pyg.py").write_text(
            'print(\'{"section":"epochs","dataset":"er 2708","model":"gcn","hidden":16,"epoch_median":600}\')\n'
            'print(\'{"section":"epochs","dataset":"er 2708","model":"gcn","hidden":16,"precision":"tf32",'
            '"epoch_median":300}\')\n')
        report = self.run_all()
        self.assertEqual(report["bench"]["spmm"][1]["width"], 64)
        self.assertEqual(report["test_mine_cuda"]["skipped"], 1)
        reached = self.reached(report)
        self.assertEqual(reached["sums over neighbours, over cuSPARSE's best: geometric mean"], 1)
        self.assertEqual(reached["an epoch of gcn on er 2708, over PyTorch Geometric"], 12)
        self.assertEqual(reached["an epoch of sage on er 2708, over PyTorch Geometric"], "not measured")
        self.assertEqual(reached["mining triangle, over the CPU"], 40)
        mining = next(row for row in report["targets"] if row["what"].startswith("mining MOTIFS 4"))
        self.assertEqual((mining["first_run"], mining["counts"]), (1, "the same"))
        self.assertEqual(reached["lanes active, clique(5)"], 0.75)
        self.assertEqual(report["test_cuda, racecheck: rows stored in bf16"]["exit_code"], 0)
        self.assertNotIn("compat", report)
        order = list(report)
        for earlier, later in [("test_cuda", "bench"), ("bench", "pyg"), ("pyg", "mine triangle, cuda"),
                               ("mine MOTIFS 4, cpu", "lanes active, triangle"),
                               ("lanes active, MOTIFS 4", "test_cuda, memcheck: rows stored in bf16")]:
            self.assertLess(order.index(earlier), order.index(later))

    def test_what_fails_is_told_and_the_rest_goes_on(self):
        self.programs["test_cuda"] = 'echo \'a "quoted" \\ failure\'; exit 3'
        self.programs["galena"] = "kill -SEGV $$"
        report = self.run_all()
        self.assertEqual(report["test_cuda"]["exit_code"], 3)
        self.assertEqual(report["test_cuda"]["last"], 'a "quoted" \\ failure')
        self.assertEqual(report["run: mine diamond, cpu"]["exit_code"], 139)
        self.assertEqual(self.reached(report)["mining diamond, over the CPU"], "not measured")
        self.assertIn("failure", (self.folder / "out.log").read_text())

    def test_a_program_that_hangs_keeps_its_rows(self):
        # A program that hangs is stopped after 5 s instead of its share of the whole time: with a whole time that is short,
        # what comes after has none left on a machine that is busy.
        self.programs["bench_gpu"] = PROBE + SPMM + "printf '{\"section\":\"spmm\",\"a\":{\"b\":1}'; exec sleep 1000"
        self.programs["path/timeout"] = ('case "$*" in *--devices) ;; *bench_gpu*) set -- -k 5 5 "${@:4}" ;; esac\n'
                                         f'exec {shutil.which("timeout")} "$@"')
        report = self.run_all(PATH=f"{self.folder / 'path'}:{os.environ['PATH']}")
        self.assertEqual(report["run: bench"]["exit_code"], 124)
        self.assertEqual(len(report["bench"]["spmm"]), 2)
        self.assertEqual(report["mine triangle, cuda"]["queries"][0]["count"], "7")

    def test_what_there_is_no_time_for_is_said(self):
        report = self.run_all(STEPS="mine", TOTAL=20)  # mining's share is 2 s
        self.assertEqual(report["run: mine triangle, cuda"], "no time left")
        self.assertNotIn("mine triangle, cuda", report)

    def test_killed_from_outside(self):
        self.programs["galena"] = "sleep 100"
        running = self.start()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not self.has_bench():
            time.sleep(0.05)
        time.sleep(0.5)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        report = self.report()
        self.assertEqual(report["test_cuda"]["exit_code"], 0)
        self.assertEqual(len(report["bench"]["spmm"]), 2)

    def test_compat_where_the_driver_is_older_alone(self):
        (self.folder / "cuda/compat").mkdir(parents=True)
        needs = ('case $LD_LIBRARY_PATH in */cuda/compat:*) ;; *)\n'
                 '  echo "CUDA driver version is insufficient for CUDA runtime version" >&2; exit 77 ;; esac\n')
        works = self.programs["bench_gpu"]
        self.programs["bench_gpu"] = needs + works
        report = self.run_all(STEPS="bench")
        self.assertTrue(report["compat"].endswith("cuda/compat"))
        self.assertEqual(len(report["bench"]["spmm"]), 2)
        self.programs["bench_gpu"] = "case $LD_LIBRARY_PATH in *compat*) exit 1 ;; esac\n" + works
        self.assertNotIn("compat", self.run_all(STEPS="bench"))

    def test_no_device(self):
        self.programs["bench_gpu"] = "echo 'bench_gpu: this machine has no NVIDIA driver' >&2; exit 77"
        report = self.run_all(code=77)
        self.assertEqual(report["probe"]["exit_code"], 77)
        self.assertIn("no NVIDIA driver", report["probe"]["last_error"])
        self.assertNotIn("test_cuda", report)

    def test_without_python(self):
        folder = self.folder / "path"
        folder.mkdir()
        for name in ("bash awk sed grep tail head cat tr date timeout mktemp rm mv nproc cut paste env sleep dirname"
                     " ldconfig tee").split():
            for place in "/bin", "/usr/bin", "/sbin":
                if (Path(place) / name).exists():
                    (folder / name).symlink_to(Path(place) / name)
                    break
        report = self.run_all(PATH=folder, STEPS="bench")
        self.assertEqual(report["targets"], "not computed")
        self.assertEqual(len(report["bench"]["spmm"]), 2)


if __name__ == "__main__":
    sys.exit(unittest.main())
