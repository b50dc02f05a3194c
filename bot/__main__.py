"""The command line `yuanzi`."""

import argparse
import importlib
import logging
import os
import sys
from typing import NoReturn

from bot.errors import ChannelError, ConfigError, StorageFailure
from storage.database import StorageError

OK, FAILED, WRONG = 0, 1, 2
COMMANDS = {
    "chat": "在终端里和模拟的微信群聊天，看机器人怎么说话（不用任何账号）",
    "run": "按 config.toml 正式运行",
    "pipe": "用 JSON 行收发消息：接任何平台，也用来测试",
    "replay": "重放一段写好的对话，看机器人说的和预期是否一样",
    "doctor": "看看接企业微信还缺什么：密钥、地址、权限、回调，下一步做什么",
    "wecom-sandbox": "在本机起一个模拟的企业微信，没有账号也能试官方接口",
    "rehearse": "彩排一周：真的设置、人设和脚本，模拟的群友，几秒出报告",
    "check": "检查设置、人设、话术、脚本和排期，一次列出所有问题和改法",
    "calendar": "日历：导出成表格，或从改好的表格导入",
    "codes": "把券码导入积分商城：每个码只发一次",
    "faq": "问答：从表格导入（faq import）、导出；引擎逐行回答（faq answer），或测它有多准（faq evaluate）",
    "quiz": "题库：检查或导入 TOML、CSV、XLSX",
    "tag": "从已有的互动补算标签、活跃日和生命周期阶段（运行中会自己慢慢算）",
    "tags": "从 CSV、XLSX 批量打标签",
    "orders": "从 CSV、XLSX 导入订单：每个订单号只记一次",
    "segment": "导出一个分群：谁符合条件",
    "compare": "两种说法哪个更有人接：按群比较，样本不够就直说",
    "shop": "积分商城：导出成表格，或从表格导入（先试一遍）",
    "members": "从表格导入成员的好友来源和加好友时间（先试一遍）",
    "export": "导出成员、互动、签到、流水、发件箱、审计",
    "draw": "重算一次抽奖（draw verify 文件），或导出整份证据（draw proof 号）",
    "fsck": "在真实数据上核对承诺：账平、一天一签、不重发",
    "backup": "备份数据库，运行中也可以",
    "restore": "从备份恢复，恢复完自动核对",
    "bench": "测速：每秒能落盘多少条，延迟、内存、启动时间",
}


class Parser(argparse.ArgumentParser):
    """Says in Chinese what was wrong and where the help is; exits with 2."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        sys.stderr.write(f"用法不对：{message}\n看说明：{self.prog} --help\n")
        raise SystemExit(WRONG)


def parser() -> argparse.ArgumentParser:
    """The whole command line. Option tables of commands are loaded with their command only."""
    top = Parser(
        prog="yuanzi", add_help=False, description="元子：让企业微信群活起来的机器人。",
        epilog="先试试：yuanzi chat。退出码：0 成功，1 检查没通过或运行出错，2 用法或设置有误。",
    )  # fmt: skip
    _help_in_chinese(top)
    commands = top.add_subparsers(dest="command", metavar="命令", title="命令", parser_class=Parser, required=True)
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text, description=text, add_help=False)
    return top


def _help_in_chinese(one: argparse.ArgumentParser) -> None:
    one.add_argument("-h", "--help", action="help", help="显示这份说明")
    one._positionals.title = "要写的"
    one._optionals.title = "可选的"


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns the exit code. Expected failures are one clear line on standard error."""
    arguments = sys.argv[1:] if argv is None else argv
    logging.basicConfig(
        level=os.environ.get("YUANZI_LOG", "WARNING").upper(), format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        if not arguments or arguments[0] not in COMMANDS:
            parser().parse_args(arguments)
        name, *rest = arguments
        command = importlib.import_module(f"bot.commands.{name.replace('-', '_')}")
        own = Parser(prog=f"yuanzi {name}", description=COMMANDS[name], add_help=False)
        _help_in_chinese(own)
        command.add(own)
        return int(command.run(own.parse_args(rest)))
    except ConfigError as error:
        sys.stderr.write(f"有 {len(error.problems)} 处要改：\n" + "".join(f"  {one}\n" for one in error.problems))
        sys.stderr.write(f"{error.note}\n" if error.note else "")
        return WRONG
    except (StorageFailure, StorageError, ChannelError) as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("\n已停下，记过的都在。\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
