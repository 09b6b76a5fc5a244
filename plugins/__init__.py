"""What every call gets, one file for each capability."""
