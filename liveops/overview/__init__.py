"""Many operations at a glance: the list, the badge, and how both stay live over a socket."""
