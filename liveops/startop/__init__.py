"""What ``manage.py liveops_startop`` writes: the source of a first operation, and of its test."""
