"""Calendars: each centre's opening hours, holidays and make-up days, and the business time that limits count in.

`rules` is pure; versions are kept by `actions` and read by `queries`; `wording` says a sum in Chinese and English.
"""
