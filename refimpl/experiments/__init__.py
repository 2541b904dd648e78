"""What `refimpl reproduce NAME` runs, one file for every name."""
