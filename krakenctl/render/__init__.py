"""Plans, findings, reports → text. Pure: values in, a string out; whoever called prints it."""
