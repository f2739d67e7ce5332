"""Carrying out a plan: the ready queue, the journal, the ledger, the first passwords."""
