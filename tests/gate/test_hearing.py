"""Whoever wants to hear how calls end is told of each, after the pacer."""

from pathlib import Path

import pytest

from crosswalk.gate import Credential, Limits, connect
from crosswalk.insightly.errors import Answered
from crosswalk.insightly.pace import Seen
from fixtures.scripted import GOOD, KEY, scripted


async def test_hears(tmp_path: Path):
    """Each call is told once, with its status, refused ones too."""
    heard: list[Seen] = []
    with scripted(GOOD) as insightly:
        credential = Credential(base_url=insightly.base_url, api_key=KEY, allow_hosts=[insightly.host])
        async with connect(credential, Limits(), folder=tmp_path, hear=heard.append) as crm:
            await crm.request("GET", "/Instance")
            with pytest.raises(Answered):
                await crm.request("GET", "/Nowhere")
    assert [200, 404] == [seen.status for seen in heard]
