"""Rules over what a key is: values in, findings out. Nothing is asked, and no clock is read."""
