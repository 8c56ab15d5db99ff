"""What must be true before a call is served: key, signature, nonce, address, end, counter, permission, window."""
