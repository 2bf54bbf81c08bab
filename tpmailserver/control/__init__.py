"""The socket in the site by which `tpmail` speaks to a running server."""
