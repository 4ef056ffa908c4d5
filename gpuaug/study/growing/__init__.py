"""Adds seeds to a study until every arm can be told, or the budget is spent."""
