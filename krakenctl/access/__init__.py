"""Who may do what, worked out from values: what is desired, what is recorded, what is live. No file, no clock, no call.

why     one key and one permission, level by level
who     one permission or call, and every key that holds it
"""
