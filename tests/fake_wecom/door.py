"""gettoken and everything a call must pass before its rule runs: token, address, scope, frequency (wecom.md 1)."""

from dataclasses import dataclass, field

from tests.fake_wecom.errors import ApiError, Json, ok
from tests.fake_wecom.ground import Call, Ground
from tests.fake_wecom.records import App, Ask, Callback, Corp, Member
from tests.fake_wecom.windows import Window, Windows

UNMETERED = {"message/send", "appchat/send", "kf/send_msg", "kf/send_msg_on_event"}
"""wecom.md 1 "Base frequency limits": message sending does not count against these."""


@dataclass
class Ticket:
    """One issued access_token. `dead` is the error it answers once WeCom has killed it early."""

    corp: Corp
    app: App
    until: float
    dead: int = 0


@dataclass
class Door:
    ground: Ground
    callback_ips: list[str] = field(default_factory=lambda: ["127.0.0.1"])
    _token_errors: dict[str, Window] = field(default_factory=dict)
    _tickets: dict[str, Ticket] = field(default_factory=dict)
    _in_flight: dict[tuple[str, str], int] = field(default_factory=dict)
    _corp_calls: Windows | None = None
    _ip_calls: Windows | None = None

    def calls(self) -> list[Call]:
        return [Call("GET", "getcallbackip", self._get_callback_ip)]

    # -- console -------------------------------------------------------------------------------------------------

    def add_corp(self, corpid: str) -> Corp:
        return self.ground.corps.setdefault(corpid, Corp(corpid))

    def add_app(
        self,
        agentid: int,
        secret: str,
        corpid: str = "",
        grants: list[str] | None = None,
        scope: list[str] | None = None,
    ) -> App:
        app = App(agentid, secret, scope=None if scope is None else set(scope))
        if grants is not None:
            app.grants = set(grants)
        self.ground.corp(corpid).apps[secret] = app
        return app

    def add_member(self, userid: str, name: str = "", contact: bool = True, corpid: str = "") -> Member:
        member = Member(userid, name or userid, contact)
        self.ground.corp(corpid).members[userid] = member
        return member

    def set_callback(self, agentid: int, url: str, token: str, aes_key: str, corpid: str = "") -> None:
        self.ground.corp(corpid).app_of_agent(agentid).callback = Callback(url, token, aes_key)

    def set_trusted_ips(self, agentid: int, ips: list[str], corpid: str = "") -> None:
        """Takes effect about a minute later (wecom.md 1, 60020); the first list of an app at once."""
        app = self.ground.corp(corpid).app_of_agent(agentid)
        wait = self.ground.options.trusted_ip_delay if app.trusted else 0.0
        app.trusted.append((self.ground.clock() + wait, set(ips)))

    def kill_token(self, agentid: int, corpid: str = "", errcode: int = 40014) -> None:
        """Early invalidation (wecom.md 1): the token dies now, with 40014 or 42001."""
        app = self.ground.corp(corpid).app_of_agent(agentid)
        for ticket in self._tickets.values():
            if ticket.app is app and not ticket.dead:
                ticket.dead = errcode

    def reset_secret(self, agentid: int, secret: str, corpid: str = "") -> None:
        corp = self.ground.corp(corpid)
        app = corp.app_of_agent(agentid)
        self.kill_token(agentid, corpid)
        del corp.apps[app.secret]
        app.secret = secret
        corp.apps[secret] = app

    # -- gettoken ------------------------------------------------------------------------------------------------

    def get_token(self, query: dict[str, str], ip: str) -> Json:
        now, options = self.ground.clock(), self.ground.options
        corpid = query.get("corpid", "")
        # wecom.md 1 "gettoken error throttle": ~2000 errors in one hour, blocked for one hour
        errors = self._token_errors.setdefault(corpid, Window(options.token_errors_per_hour, 3600, blocks=True))
        if not errors.fits(now):
            errors.take(now)
            raise ApiError(45009)
        try:
            app = self._app_for(corpid, query.get("corpsecret", ""))
        except ApiError:
            errors.take(now)
            raise
        self._meter(corpid, "gettoken", ip, now)
        ticket = self._tickets.get(app.token)
        if ticket is None or ticket.dead or now >= ticket.until or not options.same_token_again:
            app.token = self.ground.luck.word("", 214)
            ticket = Ticket(self.ground.corps[corpid], app, now + options.token_seconds)
            self._tickets[app.token] = ticket
        return ok(access_token=app.token, expires_in=int(ticket.until - now))

    def _app_for(self, corpid: str, secret: str) -> App:
        if corpid not in self.ground.corps:
            raise ApiError(40013)
        if not secret:
            raise ApiError(40001)
        app = self.ground.corps[corpid].apps.get(secret)
        if app is None:
            raise ApiError(40001)  # wecom.md 1: bad secret, reset secret
        if not app.enabled:
            raise ApiError(40001)  # wecom.md 1: app disabled
        return app

    # -- every other call ----------------------------------------------------------------------------------------

    def admit(self, token: str, path: str, grant: str, ip: str) -> tuple[Corp, App]:
        now = self.ground.clock()
        if not token:
            raise ApiError(41001)
        corp, app = self._holder(token, now)
        lists = [ips for since, ips in app.trusted if since <= now]
        if lists and ip not in lists[-1]:
            raise ApiError(60020)
        if grant and grant not in app.grants:
            raise ApiError(48002)  # wecom.md 1: app not in 可调用接口的应用
        self._meter(corp.corpid, path, ip, now)
        return corp, app

    def _holder(self, token: str, now: float) -> tuple[Corp, App]:
        ticket = self._tickets.get(token)
        if ticket is None:
            raise ApiError(40014)
        if ticket.dead:
            raise ApiError(ticket.dead)
        if now >= ticket.until:
            raise ApiError(42001)
        return ticket.corp, ticket.app

    def _meter(self, corpid: str, path: str, ip: str, now: float) -> None:
        if path in UNMETERED:
            return
        options = self.ground.options
        if self._corp_calls is None or self._ip_calls is None:
            self._corp_calls = Windows(((options.corp_calls_per_minute, 60), (options.corp_calls_per_hour, 3600)), True)
            self._ip_calls = Windows(((options.ip_calls_per_minute, 60), (options.ip_calls_per_hour, 3600)), True)
        corp_fits = self._corp_calls.take(f"{corpid} {path}", now)
        ip_fits = self._ip_calls.take(f"{ip} {path}", now)
        if not (corp_fits and ip_fits):
            raise ApiError(45009)

    def corpid_of(self, token: str) -> str:
        """Whose token this is; empty for an unknown one."""
        ticket = self._tickets.get(token)
        return ticket.corp.corpid if ticket else ""

    def enter(self, corpid: str, path: str) -> None:
        """Counts a call in progress; too many at once for one corp and one API -> 45033 (wecom.md 1)."""
        key = (corpid, path)
        limit = self.ground.options.concurrent_calls
        if limit is not None and self._in_flight.get(key, 0) >= limit:
            raise ApiError(45033)
        self._in_flight[key] = self._in_flight.get(key, 0) + 1

    def leave(self, corpid: str, path: str) -> None:
        self._in_flight[corpid, path] -= 1

    def _get_callback_ip(self, _: Ask) -> Json:
        return ok(ip_list=list(self.callback_ips))  # wecom.md 2.1 "source IPs"
