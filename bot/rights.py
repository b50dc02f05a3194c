"""Which role each staff word needs: what the handlers declare, with the deployment's `[staff_rights]` laid on top."""

from collections.abc import Mapping
from dataclasses import replace

from bot.config import nearest
from bot.errors import Problem
from bot.router import Route, Switchboard
from bot.settings import GroupSettings
from bot.settings.deployment import Role
from bot.words import bare

CHANGE = " 改"
"""After a word that may be looked at by one role and changed by another: the right to change."""


def grant(
    switchboard: Switchboard, rights: Mapping[str, str], groups: Mapping[str, GroupSettings], file: str
) -> list[Problem]:
    """Gives the words of `rights` their roles. Returns what is wrong: unknown words, one word with two roles, a change
    that needs less than a look."""
    every = {
        bare(word): route for route in switchboard.commands for settings in groups.values()
        for word in route.words_in(settings)
    }  # fmt: skip
    words = {word: route for word, route in every.items() if route.role}
    problems: list[Problem] = []
    looks: dict[int, tuple[str, str]] = {}
    acts: dict[int, tuple[str, str]] = {}
    for key, role in rights.items():
        changing = key.endswith(CHANGE)
        found = words.get(bare(key.removesuffix(CHANGE)))
        if found is None or (changing and found.acts is None):
            problems.append(_unknown(file, key, words, every))
            continue
        taken = acts if changing else looks
        if taken.get(id(found), (key, role))[1] != role:
            other = taken[id(found)][0]
            problems.append(Problem(file, f"staff_rights.{key}", f"和「{other}」是同一个口令，角色却不一样", "留一个"))
        taken[id(found)] = (key, role)
    if not problems:
        for route in {id(one): one for one in words.values()}.values():
            problems += _weaker(file, route, looks, acts)
    if not problems:
        switchboard.commands[:] = [_granted(route, looks, acts) for route in switchboard.commands]
    return problems


def _unknown(file: str, key: str, words: Mapping[str, Route], every: Mapping[str, Route]) -> Problem:
    known = {*words, *(f"{word}{CHANGE}" for word, route in words.items() if route.acts)}
    if bare(key) in every and bare(key) not in words:
        return Problem(file, f"staff_rights.{key}", "这是成员的口令，谁都能用", "这里只写员工的口令")
    close = nearest(key, known)
    hint = f"是不是想写 {close[0]}？" if close else "员工口令见 docs/commands.md"
    return Problem(file, f"staff_rights.{key}", "没有这个员工口令", hint)


def _weaker(
    file: str, route: Route, looks: Mapping[int, tuple[str, str]], acts: Mapping[int, tuple[str, str]]
) -> list[Problem]:
    act = acts.get(id(route))
    look = looks.get(id(route), ("", route.role or ""))[1]
    if act is None or Role.reaches(act[1], look):
        return []
    return [Problem(file, f"staff_rights.{act[0]}", f"改只要 {act[1]}，看却要 {look}：改的人也要看得到")]


def _granted(route: Route, looks: Mapping[int, tuple[str, str]], acts: Mapping[int, tuple[str, str]]) -> Route:
    if route.role is None or (id(route) not in looks and id(route) not in acts):
        return route
    look = looks.get(id(route), ("", route.role))[1]
    change = route.acts
    if change is not None:
        # Whoever may not look may not change either.
        wanted = acts.get(id(route), ("", change))[1]
        change = wanted if Role.reaches(wanted, look) else look
    return replace(route, role=look, acts=change)
