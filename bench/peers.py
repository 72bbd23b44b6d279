"""The peers of bench/send.py, run by a Python that has bench/requirements.txt: rows of a CSV as creations.

`python bench/peers.py NAME URL KEY FILE` prints seconds and CPU seconds; imports are not counted. Each is set up as its
documents say, and without a limit of its own; none keeps a journal.

- requests  one session, one call after another
- dlt       its destination decorator: one row a call, 20 loader threads (its default), a session a thread
- drt       drt-core's REST destination: one record a call, one after another
"""

import csv
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

FIELDS = {"first": "FIRST_NAME", "last": "LAST_NAME", "mail": "EMAIL_ADDRESS"}
FREE = 1_000_000


def read_rows(path):
    with Path(path).open(newline="") as file:
        return [{FIELDS[name]: cell for name, cell in row.items()} for row in csv.DictReader(file)]


def with_requests(url, key, rows):
    import requests

    def work():
        with requests.Session() as session:
            session.auth = (key, "")
            for row in rows:
                session.post(url, json=row).raise_for_status()

    return work


def with_dlt(url, key, rows):
    import dlt
    import requests

    local = threading.local()

    @dlt.destination(batch_size=1, name="insightly", loader_parallelism_strategy="parallel")
    def insightly(item, table):
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.auth = (key, "")
        local.session.post(url, json=item[0] if isinstance(item, list) else item).raise_for_status()

    dlt.config["runtime.dlthub_telemetry"] = False
    dlt.config["data_writer.file_max_items"] = max(1, len(rows) // 20)  # a file is a job, and a job is a thread

    def work():
        with tempfile.TemporaryDirectory() as folder:
            dlt.pipeline("bench", destination=insightly, pipelines_dir=folder).run(rows, table_name="contacts")

    return work


def with_drt(url, key, rows):
    from drt.config.models import RestApiDestinationConfig, SyncOptions
    from drt.destinations.rest_api import RestApiDestination

    os.environ.update(BENCH_USER=key, BENCH_PASSWORD="none")  # Insightly ignores the password; drt wants one
    auth = {"type": "basic", "username_env": "BENCH_USER", "password_env": "BENCH_PASSWORD"}
    config = RestApiDestinationConfig.model_validate({"type": "rest_api", "url": url, "method": "POST", "auth": auth})
    options = SyncOptions.model_validate({"rate_limit": {"requests_per_second": FREE}})

    def work():
        result = RestApiDestination().load(rows, config, options)
        assert result.success == len(rows), result

    return work


PEERS = {"requests": with_requests, "dlt": with_dlt, "drt": with_drt}


def main(name, url, key, path):
    work = PEERS[name](url, key, read_rows(path))
    began, cpu = time.perf_counter(), time.process_time()
    work()
    print(time.perf_counter() - began, time.process_time() - cpu)


if __name__ == "__main__":
    main(*sys.argv[1:])
