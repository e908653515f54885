"""Runs process definitions: BPMN 2.0 in the dialect of `engine.dialect`, one step in one transaction.

Public names are in `engine.api` (Engine, Actor, Scope, Result), `engine.errors`, `engine.clock`, `engine.operations`,
`engine.feel`, `engine.decisions`, `engine.forms` and `engine.definitions`; anything else is internal.
"""
