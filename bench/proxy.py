"""What passing calls on costs: calls a second through the hub beside a bare relay, to a server that costs nothing.

`python bench/proxy.py [SECONDS]`: `bench/instant.py`, a bare aiohttp relay and the hub (`serve_api`) are processes of
their own; one client keeps 50 calls in flight to each in turn, five rounds. The processor time of relay and hub is
counted too: other work on the machine changes it least.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from unified import HUB, running

SECONDS, ROUNDS, IN_FLIGHT = 3.0, 5, 50
PROXY, UNIFIED = 0.6, 0.4
HERE = Path(__file__).parent
RELAY = """
import asyncio, json, sys
import aiohttp, uvloop
from aiohttp import web


async def main(base_url):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def pass_on(request):
            headers = {"Authorization": request.headers["Authorization"]}
            async with session.get(base_url + request.path, headers=headers) as answer:
                return web.Response(body=await answer.read(), status=answer.status, content_type="application/json")

        app = web.Application()
        app.router.add_get("/{path:.*}", pass_on)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(json.dumps({"url": "http://127.0.0.1:%d" % runner.addresses[0][1]}), flush=True)
        await asyncio.sleep(3600)

uvloop.run(main(sys.argv[1]))
"""


def processor_seconds(process):
    """What a process has used so far (proc(5): utime and stime, in hundredths)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def load(url, headers, seconds):
    """Calls that came back well within the seconds."""
    done, stop = 0, time.perf_counter() + seconds

    async def work(session):
        nonlocal done
        while time.perf_counter() < stop:
            async with session.get(url) as answer:
                await answer.read()
                assert answer.status == 200, await answer.text()
            done += 1

    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(work(session) for _ in range(IN_FLIGHT)))
    return done


async def measure(ways, seconds):
    """By turns: calls a second and microseconds of processor a call of each way, a list of each."""
    found = {name: ([], []) for name in ways}
    for _ in range(ROUNDS):
        for name, (process, url, headers) in ways.items():
            before, began = processor_seconds(process), time.perf_counter()
            calls = await load(url, headers, seconds)
            found[name][0].append(calls / (time.perf_counter() - began))
            found[name][1].append((processor_seconds(process) - before) / calls * 1e6)
    return found


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as home, running(sys.executable, HERE / "instant.py") as stub:
        base_url = stub["base_url"]
        env = {"CROSSWALK_HOME": home, "CROSSWALK_ALLOWED_HOSTS": base_url.split("/")[2], "PATH": "/usr/bin:/bin"}
        with (
            running(sys.executable, "-c", RELAY, base_url) as relay,
            running(sys.executable, "-c", HUB, home, base_url, "key", env=env) as hub,
        ):
            ours = {"Authorization": f"Bearer {hub['token']}"}
            asked = f"integrated_account_id={hub['account']}"
            ways = {
                "bare relay": (relay["process"], f"{relay['url']}/Contacts/1", {"Authorization": "Basic a2V5Og=="}),
                "proxy": (hub["process"], f"{hub['url']}/proxy/Contacts/1?{asked}", ours),
                "unified get": (hub["process"], f"{hub['url']}/unified/crm/contacts/1?{asked}", ours),
            }
            found = asyncio.run(measure(ways, seconds))
    shares = {}
    for name, (rates, cost) in found.items():
        pairs = [mine / bare for mine, bare in zip(rates, found["bare relay"][0], strict=True)]
        shares[name] = statistics.median(pairs)
        rate, micros = statistics.median(rates), statistics.median(cost)
        print(f"{name:12} {rate:7.0f} calls/s, {shares[name]:.2f} of bare; {micros:5.0f} us of processor a call")
    return 0 if shares["proxy"] >= PROXY and shares["unified get"] >= UNIFIED else 1


if __name__ == "__main__":
    sys.exit(main())
