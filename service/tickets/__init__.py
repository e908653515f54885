"""Tickets: one customer request from registration to close, with its slips, targets, notes, photos and promises."""
