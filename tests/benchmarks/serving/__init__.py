"""A site that is served for real, its publisher and its watchers, for the groups that measure them.

Ours and a bare consumer stand side by side under the same server and the same channel layer. The
publisher, the server and the watchers are processes of their own, told what to do line by line.
"""
