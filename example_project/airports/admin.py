"""Show the airports in the admin."""

from django.contrib import admin

from airports.models import Airport


@admin.register(Airport)
class AirportAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A searchable list."""

    list_display = ("ident", "name", "city", "country", "iata")
    list_filter = ("country",)
    search_fields = ("ident", "iata", "name", "city")
