"""The four platforms' wire formats, sheets and our own entry form, each turned into a `Complaint`.

Pure: bytes, rows or a file in; no network and no database.

A folder here that holds a `fields.yml` is a channel; adding one touches no other file.
"""
