# Tests that are scripts: what a user would do, with the programs that were built. Exit status 77 is a skip, with its
# reason on the last line.
