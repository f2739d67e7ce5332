"""The store: one DuckDB file per profile, mode 0600, that holds the tables between the two ends.

It is a cache plus a ledger. Losing it costs time, not correctness: without a ledger nothing is ever removed.
"""

from provision.store.database import Row, Store, in_memory, open_store, passing_store

__all__ = ["Row", "Store", "in_memory", "open_store", "passing_store"]
