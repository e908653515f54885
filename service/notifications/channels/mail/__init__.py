"""Notices by mail, over SMTP."""
