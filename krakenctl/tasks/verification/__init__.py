"""Declared against effective, key by key. Nothing is changed."""
