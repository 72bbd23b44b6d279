"""How long is a second? Refusals and calls a second with windows of 1.02, 1.05 and 1.08 s, on a busy machine.

`python bench/window.py [SECONDS] [BURNERS]`: for each window a sandbox with five accounts, 200 ms latency and ten calls
in any second enforced, and a lane on each account, all at once beside processes that burn the CPU.
"""

import asyncio
import json
import multiprocessing
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from msgspec.structs import replace

WINDOWS, ACCOUNTS, IN_FLIGHT = (1.02, 1.05, 1.08), 5, 6
SECONDS, BURNERS = 60.0, 2
CROSSWALK = "from crosswalk.cli import main; main()"


def burn():
    while True:
        sum(range(10**6))
        time.sleep(0.002)


async def call_all(crm, stop, tally):
    from crosswalk.gate import calling_for

    async def work():
        while time.monotonic() < stop:
            await crm.request("GET", "/Users/Me")
            tally["answered"] += 1

    with calling_for("lane", "bench"):
        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))


async def run(base_url, keys, window, seconds):
    """Calls answered and calls refused with this window."""
    from crosswalk.gate.ledger import Ledger
    from crosswalk.gate.pacer import AccountPacer
    from crosswalk.insightly import Insightly, pace

    pace.WINDOW = window
    tally = {"answered": 0, "sent": 0}
    with tempfile.TemporaryDirectory() as folder:
        stop = time.monotonic() + seconds

        async def account(key):
            with Ledger(Path(folder) / key[:8]) as ledger:
                pacer = AccountPacer(ledger)
                pacer._pace = replace(pacer._pace, window=window)  # noqa: SLF001 (what is measured is no option)
                host = urlsplit(base_url).netloc
                async with Insightly(key, base_url=base_url, allow_hosts=[host], pacer=pacer) as crm:
                    await call_all(crm, stop, tally)
                    tally["sent"] += crm.calls

        await asyncio.gather(*(account(key) for key in keys))
    return tally["answered"], tally["sent"] - tally["answered"]


def measure(window, seconds, told):
    options = [
        "sandbox",
        "--contacts",
        "0",
        "--accounts",
        str(ACCOUNTS),
        "--latency-ms",
        "200",
        "--port",
        "0",
        "--json",
    ]
    server = subprocess.Popen([sys.executable, "-c", CROSSWALK, *options], stdout=subprocess.PIPE, text=True)
    try:
        said = json.loads(server.stdout.readline())
        told.put((window, *asyncio.run(run(said["base_url"], said["keys"], window, seconds))))
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(10)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    burners = int(sys.argv[2]) if len(sys.argv) > 2 else BURNERS
    burning = [multiprocessing.Process(target=burn, daemon=True) for _ in range(burners)]
    told = multiprocessing.Queue()
    measuring = [multiprocessing.Process(target=measure, args=(window, seconds, told)) for window in WINDOWS]
    for each in (*burning, *measuring):
        each.start()
    found = sorted(told.get() for _ in measuring)
    for each in measuring:
        each.join()
    for each in burning:
        each.terminate()
    print(f"{'window':>8}{'answered':>10}{'refused':>9}{'calls/s':>9}")
    for window, answered, refused in found:
        print(f"{window:>8}{answered:>10}{refused:>9}{answered / seconds / ACCOUNTS:>9.2f}")


if __name__ == "__main__":
    main()
