"""The families of tables together, bound to the one connection that writes."""

from storage.agenda import Agenda
from storage.bonds import Bonds
from storage.calendar import Calendar
from storage.campaigns import Campaigns
from storage.check_ins import CheckIns
from storage.crowds import Crowds
from storage.database import Database
from storage.digests import Digests
from storage.draws import Draws
from storage.exposure import Exposures
from storage.faq import FaqEntries
from storage.faq_log import FaqLog
from storage.gates import Gates
from storage.health import Health
from storage.interactions import Interactions
from storage.koc import Koc
from storage.ledger import Ledger, Prizes
from storage.lifecycle import Lifecycle
from storage.members import Members
from storage.office import Office
from storage.orders import Orders
from storage.outbox import Outbox
from storage.points import Points
from storage.privacy import Privacy
from storage.quizzes import Quizzes
from storage.rehearsed import Rehearsed
from storage.sequences import Sequences
from storage.sessions import Sessions
from storage.shop import Shop
from storage.surveys import Surveys
from storage.tags import Tags
from storage.tasks import Tasks
from storage.titles import Titles


class Store:
    """Everything that is remembered, by family. Use inside a transaction of `db`."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.interactions = Interactions(db)
        self.members = Members(db)
        self.check_ins = CheckIns(db)
        self.ledger = Ledger(db)
        self.prizes = Prizes(db)
        self.outbox = Outbox(db)
        self.agenda = Agenda(db)
        self.office = Office(db)
        self.sessions = Sessions(db)
        self.draws = Draws(db)
        self.points = Points(db)
        self.shop = Shop(db)
        self.gates = Gates(db)
        self.quizzes = Quizzes(db)
        self.titles = Titles(db)
        self.calendar = Calendar(db)
        self.sequences = Sequences(db)
        self.tasks = Tasks(db)
        self.exposures = Exposures(db)
        self.bonds = Bonds(db)
        self.faq = FaqEntries(db)
        self.faq_log = FaqLog(db)
        self.privacy = Privacy(db)
        self.rehearsed = Rehearsed(db)
        self.tags = Tags(db)
        self.lifecycle = Lifecycle(db)
        self.orders = Orders(db)
        self.crowds = Crowds(db)
        self.koc = Koc(db)
        self.health = Health(db)
        self.surveys = Surveys(db)
        self.campaigns = Campaigns(db)
        self.digests = Digests(db)

    def forget_caches(self) -> None:
        """After anything was taken back, memory must not remember what the file has forgotten."""
        self.members.forget_cache()
        self.outbox.forget_cache()
        self.agenda.forget_cache()
        self.sessions.forget_cache()
        self.draws.forget_cache()
        self.ledger.forget_cache()
        self.sequences.forget_cache()
        self.exposures.forget_cache()
        self.bonds.forget_cache()
        self.koc.forget_cache()
        self.surveys.forget_cache()
        self.campaigns.forget_cache()
        self.faq.forget_cache()
