"""Where operations are carried out."""
