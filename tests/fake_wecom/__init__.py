"""A faithful fake WeCom server, read from shared/reference/wecom.md alone; it shares no code with the client.

In a test:      sandbox = await serve("127.0.0.1", 0, clock=still()); sandbox.clock.advance(20); await sandbox.close()
In a process:   python -m tests.fake_wecom --port 0, then POST <url>/_control/<area>/<action>; GET <url>/_control lists
"""

from tests.fake_wecom.clock import Clock, flowing, still
from tests.fake_wecom.demo import furnish
from tests.fake_wecom.luck import Luck
from tests.fake_wecom.options import Options
from tests.fake_wecom.sandbox import Sandbox, serve

__all__ = ["Clock", "Luck", "Options", "Sandbox", "flowing", "furnish", "serve", "still"]
