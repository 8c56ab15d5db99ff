"""What happens outside the API: who signs up, consents, makes keys by hand; for tests, commands and seed files."""
