X = 0


class Privacy:
    """."""

    def __init__(self, db: object) -> None:
        pass
