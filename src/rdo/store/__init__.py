"""The database: what is built, queued and published, and where each name points."""

from rdo.store.database.access import Store as Store
from rdo.store.database.access import Transaction as Transaction
