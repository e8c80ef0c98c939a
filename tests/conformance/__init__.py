"""Random scripts, played on staged-script and on liveops, their traces compared step by step."""
