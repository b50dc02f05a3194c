"""`yuanzi doctor` for a Wechaty account: what is missing, what is wrong, and the next step, in Chinese."""

import importlib.util
from pathlib import Path

from bot.channels.wechaty_failures import LinkFailure, LinkLost, Turned
from bot.channels.wechaty_lock import hold_token
from bot.channels.wechaty_settings import WechatySettings
from bot.channels.wechaty_state import Finding, State
from bot.errors import Refused


async def examine(settings: WechatySettings, token: str, state: State, lock_folder: Path) -> list[Finding]:
    found = [_token(settings, token), _package()]
    if all(finding.level != "error" for finding in found):
        found += await _gateway(settings, token)
        found.append(_only_one(token, state, lock_folder))
    if state.phase != "off":
        found.append(_account(state))
    found += _speaking(settings, state)
    found.append(
        Finding(
            "warn",
            "wechaty 不是企业微信的官方接口，账号有被限制或封禁的风险",
            "用养熟的账号，先只回复、少发言，并准备好扫码的人",
        )
    )
    return found


def _token(settings: WechatySettings, token: str) -> Finding:
    if not token:
        return Finding(
            "error", f"环境变量 {settings.token_env} 没有设置", "向服务商购买 token 后写入该环境变量，不要写进配置文件"
        )
    if not token.startswith("puppet_"):
        return Finding("warn", f"{settings.token_env} 不像 puppet_… 形式的 token", "核对是否复制完整")
    return Finding("ok", f"token 已设置（{settings.token_env}）")


def _package() -> Finding:
    missing = [name for name in ("wechaty", "grpclib", "aiohttp") if importlib.util.find_spec(name) is None]
    if missing:
        return Finding("error", f"没有安装 {'、'.join(missing)}", "运行 make setup，或 pip install 'yuanzi[wechaty]'")
    return Finding("ok", "wechaty 已安装")


async def _gateway(settings: WechatySettings, token: str) -> list[Finding]:
    from bot.channels.wechaty_link import Endpoint, Link, discover, tls_context  # noqa: PLC0415  # needs the extra

    found: list[Finding] = []
    if settings.endpoint:
        endpoint = Endpoint.read(settings.endpoint)
    else:
        try:
            endpoint = await discover(
                settings.discovery, token, tls=settings.discovery_tls, seconds=settings.call_seconds
            )
        except LinkLost as error:
            step = "核对 token 是否有效、服务是否在线；或用 endpoint 直接写网关地址"
            return [Finding("error", f"查不到网关：{error}", step)]
        found.append(Finding("ok", f"网关地址 {endpoint}（来自 {settings.discovery}）"))
    try:
        tls = tls_context(settings.tls_ca) if settings.tls else None
        link = Link(endpoint, token, tls=tls, tls_name=settings.tls_name)
    except OSError as error:
        return [*found, Finding("error", f"读不了证书文件：{error.strerror}", "检查 tls_ca")]
    try:
        await link.call("Version", seconds=settings.call_seconds)
    except Turned as error:
        if error.status in {"UNAUTHENTICATED", "PERMISSION_DENIED"}:
            return [*found, Finding("error", "网关拒绝了这个 token", "核对 token，或在服务商后台看它是否过期")]
        found.append(Finding("warn", f"网关有回应，但报错：{error.status}", "查看网关日志"))
    except LinkFailure as error:
        step = "检查地址、端口、防火墙，以及 tls 是否该打开或关闭（WorkPro 要关闭）"
        return [*found, Finding("error", f"连不上网关 {endpoint}：{str(error).replace(token, '***')}", step)]
    finally:
        link.close()
    return [*found, Finding("ok", f"网关 {endpoint} 有回应，token 有效")]


def _only_one(token: str, state: State, lock_folder: Path) -> Finding:
    if state.phase not in {"off", "locked"}:
        return Finding("ok", "本进程持有这个 token")
    try:
        with hold_token(lock_folder, token):
            return Finding("ok", "本机没有别的进程使用这个 token")
    except Refused:
        return Finding(
            "warn", "本机另一个进程正在使用这个 token", "同一个 token 只能运行一个机器人；如果那就是正式运行的，可忽略"
        )
    except OSError as error:
        return Finding("error", f"写不了锁文件：{error.strerror}", f"检查目录 {lock_folder} 的权限")


def _account(state: State) -> Finding:
    if state.ready:
        return Finding("ok", f"账号 {state.account} 在线")
    step = "在网关管理页或手机上扫码登录" if state.phase == "connected" else "机器人会一直重试，不用重启"
    return Finding("error" if state.phase in {"refused", "locked"} else "warn", str(state), step)


def _speaking(settings: WechatySettings, state: State) -> list[Finding]:
    found = []
    if settings.speaks == "answer":
        found.append(
            Finding(
                "warn", "只回复，不主动发言：定时内容和活动不会发到这个账号的群", '账号养熟后把 speaks 改为 "first"'
            )
        )
    if state.silent:
        found.append(Finding("warn", f"暂不发言：{state.silent}"))
    if not settings.day_budget:
        found.append(Finding("warn", "没有设置每日发言上限", "把 day_budget 设为几百以内"))
    return found
