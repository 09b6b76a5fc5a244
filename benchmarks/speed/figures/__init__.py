"""One module for each thing that is measured; all of them write into the same results."""
