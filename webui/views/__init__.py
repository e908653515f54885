"""From what the service answers to what a template shows: words, chips, addresses. No decisions and no SQL of its own."""

from __future__ import annotations
