"""``docs/results/techniques.md``: every technique alone on both articles' data, then policies, made from the
studies' reports.

python benchmarks/techniques_table.py           # fails where the page says something else
python benchmarks/techniques_table.py --write   # writes it
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "docs/results/techniques.md"
STUDIES = {"catdog": "cats and dogs", "intel-techniques": "sea and glacier"}
POLICIES = {"catdog-policies": "cats and dogs", "intel-policies": "sea and glacier"}
BALANCING = ("imbalanced", "undersampled", "duplicates", "copies", "all")
HEAD = """\
# Every technique alone
Each technique was applied to every draw of a balanced epoch, and compared with `duplicates`, which repeats
the minority unchanged. The table has the accuracy, as the mean over the last three epochs and over three
seeds, and its difference to `duplicates` with the 95 % interval. Cats and dogs: 10 epochs of the convnet.
Sea and glacier: 5 epochs of ResNet-18 on 32 px. Rows are sorted by the difference on cats and dogs. No
interval is corrected for the number of techniques; after Holm's correction {significant}.
`gpuaug/study/arms/techniques.py` says what a technique is, with its strength. The figures of every seed and
class, and the commands, are in [benchmarks/results](how-measured.md#the-studies).

"""
HEAD_OF_POLICIES = """
## Policies
The same for policies and for `hflip`, but over five seeds and 10 epochs of both networks. Each policy has its
defaults. After Holm's correction for the {count} comparisons of a study: {significant}.

"""


def page(reports: dict[str, dict], policies: dict[str, dict]) -> str:
    out = HEAD.format(significant=significant(reports, STUDIES)) + table(reports, STUDIES)
    if not policies:
        return out
    count = len(next(iter(policies.values()))["effects"]["arms"])
    head = HEAD_OF_POLICIES.format(count=count, significant=significant(policies, POLICIES))
    return out + head + table(policies, POLICIES)


def table(reports: dict[str, dict], studies: dict[str, str]) -> str:
    """A row for each arm, by the difference in the first study."""
    first = next(iter(reports.values()))["effects"]["arms"]
    names = sorted(
        (name for name in first if name not in BALANCING), key=lambda name: -first[name]["difference"]["mean"]
    )
    header = ["technique", *(f"{studies[name]}: accuracy | difference" for name in reports)]
    rows = [f"| {' | '.join(header)} |", "|---" * (1 + 2 * len(reports)) + "|"]
    for name in names:
        cells = [f"`{name}`"]
        for report in reports.values():
            cells += [accuracy(report["arms"][name]), interval(report["effects"]["arms"][name])]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def significant(reports: dict[str, dict], studies: dict[str, str]) -> str:
    """In words, what the correction leaves."""
    left = {
        studies[study]: [f"`{name}`" for name, of in report["effects"]["arms"].items() if passes(of)]
        for study, report in reports.items()
    }
    if not any(left.values()):
        return "none of either data set is significant" if len(left) > 1 else "none is significant"
    return "; ".join(f"of {where}, {', '.join(found) or 'none'}" for where, found in left.items()) + " remain"


def passes(effect: dict) -> bool:
    return effect["verdict"] in ("effective", "harmful")


def accuracy(arm: dict) -> str:
    return f"{arm['accuracy']['mean']:.3f} ± {arm['accuracy']['sd']:.3f}"


def interval(effect: dict) -> str:
    found = effect["difference"]
    return f"{found['mean']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]"


def read(studies: dict[str, str]) -> dict[str, dict]:
    paths = {name: FOLDER / "results" / f"study-{name}.json" for name in studies}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    wanted = page(read(STUDIES), read(POLICIES))
    if parser.parse_args().write:
        PAGE.write_text(wanted)
    elif not PAGE.exists() or PAGE.read_text() != wanted:
        raise SystemExit(f"{PAGE.name} does not show the studies' reports: run with --write")


if __name__ == "__main__":
    main()
