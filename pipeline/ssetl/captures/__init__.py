"""Captures: find sources, open them, tell what container they are, take their exchanges out.

One module per container format; `recognise.open_capture` chooses among them.
"""
