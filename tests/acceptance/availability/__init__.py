"""A site that somebody tries to keep from its work: it goes on serving everybody else."""
