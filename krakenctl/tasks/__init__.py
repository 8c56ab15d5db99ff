"""What a command does where its shell is too small for it. Tasks print nothing, and few know of each other."""
