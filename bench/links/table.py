"""Medians and ratios of the runs of run.sh: a table on standard output, JSON where asked."""

import argparse
import json
import statistics


def medians(records):
    """{(rate, setting): {"seconds", "payload", "test", "rounds"}} in order of appearance."""
    groups = {}
    for record in records:
        groups.setdefault((record["rate"], record["setting"]), []).append(record["result"])
    return {key: {"seconds": statistics.median(run["seconds"]["epoch_median"] for run in runs),
                  "payload": statistics.median(run["bytes_per_epoch"]["payload"] for run in runs),
                  "test": statistics.median(run["test"] for run in runs),
                  "rounds": len(runs)} for key, runs in groups.items()}


def with_ratios(table):
    """Adds, beside the first setting of the same rate: throughput, payload; and the share of time that links cost."""
    free = {setting: row["seconds"] for (rate, setting), row in table.items() if rate == "none"}
    rows = []
    for (rate, setting), row in table.items():
        base = next(other for (other_rate, _), other in table.items() if other_rate == rate)
        share = 1 - free[setting] / row["seconds"] if setting in free else None
        rows.append({"rate": rate, "setting": setting, **row, "throughput": base["seconds"] / row["seconds"],
                     "fewer_bytes": base["payload"] / row["payload"] if row["payload"] else None,
                     "link_share": share})
    return rows


def show(rows, pings):
    for ping in pings:
        print(f"links at {ping['rate']}: {statistics.median(pair['mbit_s'] for pair in ping['ping']['pairs']):.0f} "
              f"Mbit/s a pair, {ping['ping']['ring_mbit_s']:.0f} in a ring")
    print(f"{'rate':10} {'setting':24} {'s/epoch':>9} {'throughput':>10} {'MB/epoch':>9} {'fewer':>6} "
          f"{'links':>6} {'test':>7}")
    for row in rows:
        share = "" if row["link_share"] is None else f"{row['link_share']:.0%}"
        fewer = "" if row["fewer_bytes"] is None else f"{row['fewer_bytes']:.2f}x"
        print(f"{row['rate']:10} {row['setting']:24} {row['seconds']:9.4f} {row['throughput']:9.2f}x "
              f"{row['payload'] / 1e6:9.3f} {fewer:>6} {share:>6} {row['test']:7.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", help="JSON lines of run.sh")
    parser.add_argument("--json", help="writes runs and medians there")
    args = parser.parse_args()
    with open(args.records) as file:
        records = [json.loads(line) for line in file]
    pings = [record for record in records if "ping" in record]
    runs = [record for record in records if "result" in record]
    rows = with_ratios(medians(runs))
    show(rows, pings)
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"links": pings, "medians": rows, "runs": runs}, file, indent=1)


if __name__ == "__main__":
    main()
