"""The three ways in which a call to a Wechaty gateway can fail."""


class LinkFailure(Exception):
    """A call to the gateway did not succeed."""


class LinkLost(LinkFailure):
    """The connection broke or was never there. `reached`: the request may have arrived before that."""

    def __init__(self, reason: str, *, reached: bool = False) -> None:
        self.reached = reached
        super().__init__(reason)


class Late(LinkFailure):
    """No answer within the deadline: what was asked may still be done."""


class Turned(LinkFailure):
    """The gateway answered with an error."""

    def __init__(self, status: str, details: str) -> None:
        self.status = status
        self.details = details
        super().__init__(f"{status}: {details}" if details else status)
