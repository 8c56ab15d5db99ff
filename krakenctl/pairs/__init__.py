"""Where key pairs come from: a hidden prompt, standard input, an env file, variables, a store. Kraken is not asked.

Every source gives a `Harvest`: labelled pairs, and findings about what it could not use. Never from a command line.
"""
