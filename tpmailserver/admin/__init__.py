"""What an instructor may do; each action returns a report and prints nothing."""
