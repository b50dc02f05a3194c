"""A faithful fake WeCom server, read from shared/reference/wecom.md alone; it shares no code with the client."""

from tests.fake_wecom.clock import Clock, flowing, still
from tests.fake_wecom.demo import furnish
from tests.fake_wecom.luck import Luck
from tests.fake_wecom.options import Options
from tests.fake_wecom.sandbox import Sandbox, serve

__all__ = ["Clock", "Luck", "Options", "Sandbox", "flowing", "furnish", "serve", "still"]
