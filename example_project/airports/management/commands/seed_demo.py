"""Make the login that the demo's login page shows."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

NAME = "demo"
PASSWORD = "demo"  # noqa: S105  (shown on the login page; hence only with DEBUG)


class Command(BaseCommand):
    """Create or reset the demo login; safe to repeat."""

    help = "Make the superuser demo with the password demo. Only with DEBUG."

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the user, or give back the password and rights that it should have.

        Raises:
            CommandError: DEBUG is off: everybody knows this password.

        """
        if not settings.DEBUG:
            raise CommandError(
                "The demo login exists only with DEBUG, because everybody knows its password. "
                "Use createsuperuser."
            )
        user, created = get_user_model().objects.get_or_create(username=NAME)
        wanted = {"is_active": True, "is_staff": True, "is_superuser": True}
        changed = not user.check_password(PASSWORD)
        if changed:
            user.set_password(PASSWORD)
        for name, value in wanted.items():
            changed = changed or getattr(user, name) != value
            setattr(user, name, value)
        if changed:
            user.save()
        done = "is new" if created else "has been reset" if changed else "is as it should be"
        self.stdout.write(f"The login {NAME} / {PASSWORD} {done}.")
