"""`yuanzi shop export FILE` and `yuanzi shop import FILE`: the shop as a spreadsheet, tried before it is written."""

import argparse
import sys
from pathlib import Path

from bot.catalogue import Catalogue, load_catalogue
from bot.config import load_config, read_toml
from bot.content import persona_folder
from bot.shopsheet import export_shop, put_shop, read_shop
from storage.database import StorageError


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi shop`."""
    parser.add_argument(
        "what", choices=("export", "import"), metavar="export|import", help="导出成表格，还是从表格导入"
    )
    parser.add_argument("file", type=Path, metavar="文件", help=".csv 或 .xlsx；先 export 一份，照着改")
    parser.add_argument("--yes", action="store_true", help="import：真的写；不加只试，不动任何文件")
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml；人设从这里来")
    parser.epilog = "导入整张替换 shop.toml，原来的留作 shop.toml.before-import。写完在群里发「重载」。"


def run(args: argparse.Namespace) -> int:
    """Exports, tries, or imports. Raises ConfigError with every bad row: exit 2."""
    config = load_config(args.config)
    folder = persona_folder(config)
    taboo = read_toml(folder / "persona.toml").get("taboo", [])
    titles = list({level.title: None for group in config.settings.groups.values() for level in group.points.levels})
    target = folder / "shop.toml"
    now = load_catalogue(target, taboo, titles)
    if args.what == "export":
        count = export_shop(now, args.file)
        sys.stdout.write(f"{count} 件写到 {args.file}，改完用 yuanzi shop import 导回来。\n")
        return 0
    wanted = read_shop(args.file, taboo, titles)
    rows = differences(now, wanted)
    sys.stdout.write(f"{args.file}：{len(wanted.items)} 件，没有问题。\n" + "".join(f"  {row}\n" for row in rows))
    if not args.yes:
        sys.stdout.write("只是试了一遍，什么也没写。确认无误就加 --yes。\n")
        return 0
    try:
        kept = put_shop(target, wanted, taboo, titles)
    except OSError as error:
        raise StorageError(f"写不了 {target}：{error.strerror}") from error
    sys.stdout.write(f"已写到 {target}{f'，原来的留在 {kept}' if kept else ''}。在群里发「重载」就换上。\n")
    return 0


def differences(old: Catalogue, new: Catalogue) -> list[str]:
    """What an import would change, a row each."""
    before, after = ({one.id: one for one in catalogue.items} for catalogue in (old, new))
    rows = [f"上架：{one.title}（{one.id}）" for one in new.items if one.id not in before]
    rows += [f"下架：{one.title}（{one.id}）" for one in old.items if one.id not in after]
    for one in new.items:
        known = before.get(one.id)
        if known is not None and known != one:
            changed = [
                f"{name} {getattr(known, name)} -> {getattr(one, name)}" for name in type(one).model_fields
                if getattr(known, name) != getattr(one, name)
            ]  # fmt: skip
            rows.append(f"改动：{one.title}（{one.id}）{'，'.join(changed)}")
    if not rows and [one.id for one in old.items] != [one.id for one in new.items]:
        rows = ["只换了顺序：成员看到的 1、2、3 号跟着变"]
    return rows or ["和现在一样"]
