"""A small corp to try things on: what `python -m tests.fake_wecom` starts with."""

from tests.fake_wecom.errors import Json
from tests.fake_wecom.sandbox import Sandbox

CORP = "ww0123456789abcdef"
SECRET = "sandbox-secret"  # noqa: S105  opens only this sandbox
AGENT = 1000002
WEBHOOK = "00000000-0000-4000-8000-000000000001"


def furnish(sandbox: Sandbox) -> Json:
    """Fills the sandbox and says how to reach everything in it."""
    sandbox.corps.add_corp(CORP)
    sandbox.corps.add_app(AGENT, SECRET)
    for userid, name in (("zhangsan", "张三"), ("lisi", "李四")):
        sandbox.corps.add_member(userid, name)
    customers = [
        sandbox.customers.add("zhangsan", name, external_userid=who, quiet=True)["external_userid"]
        for who, name in (("wmSandboxXiaomei", "小美"), ("wmSandboxAqiang", "阿强"))
    ]
    group = sandbox.groups.create("zhangsan", "元子体验群", customers, chat_id="wrSandboxGroup")
    kf = sandbox.kf.add_account("元子客服", ["lisi"], open_kfid="wkSandboxKf")
    bot = sandbox.bots.add("元子", secret="sandbox-bot-secret", bot_id="aibSandbox")  # noqa: S106
    sandbox.bots.add_to_group("aibSandbox", "sandbox-internal-group")
    sandbox.webhooks.add(WEBHOOK)
    return {
        "url": sandbox.url,
        "ws_url": sandbox.ws_url,
        "corpid": CORP,
        "secret": SECRET,
        "agentid": AGENT,
        "members": ["zhangsan", "lisi"],
        "customers": customers,
        "group": group,
        "open_kfid": kf,
        "bot": bot,
        "bot_group": "sandbox-internal-group",
        "webhook": f"{sandbox.url}/cgi-bin/webhook/send?key={WEBHOOK}",
        "control": f"{sandbox.url}/_control",
    }
