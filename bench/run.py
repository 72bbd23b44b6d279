"""Every benchmark in turn. Each prints its own table; a target that is missed makes the whole end with status 1.

`python bench/run.py [NAME]…` runs some of them only.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHES = ("sandbox", "read", "send", "upsert", "accounts", "readers", "unified", "proxy", "isolation", "console")


def main() -> int:
    names = sys.argv[1:] or BENCHES
    unknown = sorted(set(names) - set(BENCHES))
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}. Benchmarks: {', '.join(BENCHES)}.")
        return 2
    failed = []
    for name in names:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, HERE / f"{name}.py"], check=False).returncode:
            failed.append(name)
    print(f"Missed: {', '.join(failed)}" if failed else "Every target is met.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
