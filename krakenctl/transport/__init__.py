"""HTTP, once: requests → our errors, timeouts, redaction. It never retries and knows no endpoint."""
