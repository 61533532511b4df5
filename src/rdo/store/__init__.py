"""The database: what is built, queued and published, and where each name leads."""

from rdo.store.database import Store as Store
from rdo.store.database import Transaction as Transaction
