"""What there is: accounts by their surfaces, secrets by their stores, keys by what they say. Nothing is changed."""
