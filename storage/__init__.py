"""The only SQL of the house; it never imports bot."""
