"""Tries a callback address from outside, exactly as the admin console does when it is saved."""

from urllib.parse import urlsplit

import aiohttp

from bot.channels.wecom.callback import Endpoint
from bot.channels.wecom.findings import Finding, fine
from bot.channels.wecom.ports import Ports


async def probe_address(
    session: aiohttp.ClientSession, public_url: str | None, endpoint: Endpoint, ports: Ports
) -> Finding:
    item = f"回调地址 {endpoint.path}"
    if public_url is None:
        step = "config.toml 的 [wecom.callback] 里写 public_url（https://域名）"
        return Finding("warn", item, "没有写 public_url，无法自检", step)
    stamp, nonce, word = str(int(ports.clock.now().timestamp())), ports.ids.new(), ports.ids.new()
    echo = endpoint.envelope.seal(word.encode())
    signature = endpoint.envelope.sign(stamp, nonce, echo)
    params = {"msg_signature": signature, "timestamp": stamp, "nonce": nonce, "echostr": echo}
    try:
        timeout = aiohttp.ClientTimeout(total=5)
        async with session.get(
            public_url + endpoint.path, params=params, timeout=timeout, allow_redirects=False
        ) as response:
            status, body = response.status, await response.content.read(4096)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        says = f"从本机访问 {urlsplit(public_url).netloc} 失败（{type(error).__name__}）"
        return Finding("error", item, says, "检查域名解析、反向代理、证书；机器人要在运行中")
    if status == 200 and body == word.encode():
        return fine(item, "URL 校验通过，可以在管理后台 > 应用 > 接收消息 > 设置API接收 里保存")
    if status == 403:
        return Finding("error", item, "签名或企业 ID 不对", "Token、EncodingAESKey 要与管理后台一致，且服务已重启")
    return Finding("error", item, f"回答 HTTP {status}", "检查反向代理是否原样转发路径与查询参数")
