"""Writes what a study found: a page, Markdown, JSON, tables and pictures."""
