"""python -m tests.fake_wecom --port 0: prints one JSON line when ready, serves until it is told to stop."""

import argparse
import asyncio
import json
import os
import signal
import sys

from tests.fake_wecom.demo import furnish
from tests.fake_wecom.luck import Luck
from tests.fake_wecom.sandbox import serve


async def run(host: str, port: int, *, empty: bool) -> None:
    sandbox = await serve(host, port, luck=Luck(source=os.urandom))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    facts = {"url": sandbox.url, "ws_url": sandbox.ws_url} if empty else furnish(sandbox)
    sys.stdout.write(json.dumps({"ready": True, **facts}, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    try:
        await stop.wait()
    finally:
        await sandbox.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_wecom", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free port")
    parser.add_argument("--empty", action="store_true", help="start without the demo corp")
    given = parser.parse_args()
    asyncio.run(run(given.host, given.port, empty=given.empty))


if __name__ == "__main__":
    main()
