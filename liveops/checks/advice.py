"""What to write into the settings, as the hints of several checks say it."""

MEMORY_LAYER = "CHANNEL_LAYERS = {'default': {'BACKEND': 'liveops.layers.InMemoryChannelLayer'}}"
"""The layer for one server process."""

REDIS_LAYER = (
    "pip install 'django-live-operations[redis]', and write CHANNEL_LAYERS = {'default': "
    "{'BACKEND': 'channels_redis.core.RedisChannelLayer', 'CONFIG': {'hosts': "
    "['redis://localhost:6379/0']}}}."
)
"""How to get the layer that joins processes."""

SOCKET_LINE = (
    "'websocket': AllowedHostsOriginValidator(AuthMiddlewareStack("
    "URLRouter(websocket_urlpatterns)))"
)
"""The line of ``asgi.py`` that leads to the socket."""
