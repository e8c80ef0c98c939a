"""What stands behind the Makefile: each module is one command or one part of them."""
