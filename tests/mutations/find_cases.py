"""Finds for each mutation a case that catches it, and writes them to caught_by.json.

    python tests/mutations/find_cases.py              # for all mutations, in ten minutes
    python tests/mutations/find_cases.py NAME ...     # for these

Run it after mutations, chains or the kernel have changed.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cuda_cases import named_chains
from host_compiler import run
from mutations.switches import CAUGHT, CAUGHT_BY, MUTATIONS, build, caught_by

TIMES = 5  # how often a case must catch a mutation, as threads do not always meet


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cheapest_first(program: Path, cases: dict[str, bytes]) -> list[str]:
    """The names of the cases, by the time that they take without a mutation."""
    cost = {}
    for name, case in cases.items():
        before = processor_seconds()
        if done := run(program, case).stderr:
            raise RuntimeError(f"{name}: {done.decode()}")
        cost[name] = processor_seconds() - before
    return sorted(cost, key=cost.__getitem__)


def main() -> int:
    chosen = sys.argv[1:] or list(MUTATIONS)
    cases, found = named_chains(), dict.fromkeys(MUTATIONS, "") | caught_by()
    wanted = {name: MUTATIONS[name] for name in chosen}
    with tempfile.TemporaryDirectory() as folder:
        for sanitizer in {mutation.sanitizer for mutation in wanted.values()}:
            program = build(sanitizer, Path(folder))
            names = cheapest_first(program, cases)

            def catches(name: str, number: int, program: Path = program) -> bool:
                done = run(program, cases[name], MUTATION=str(number))
                return bool(CAUGHT.search(done.stderr.decode()))

            for mutation, (number, needs, *_) in wanted.items():
                if needs == sanitizer:
                    tried = (name for name in names if all(catches(name, number) for _ in range(TIMES)))
                    found[mutation] = next(tried, "")
                    print(f"{mutation}: {found[mutation] or 'not always caught by one case'}", flush=True)
    caught = {mutation: found[mutation] for mutation in MUTATIONS if found[mutation]}
    CAUGHT_BY.write_text(json.dumps(caught, indent=2, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
