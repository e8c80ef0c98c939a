"""Show the countries in the admin; it lists the operations of all classes by itself."""

from django.contrib import admin

from gallery.models import Country


@admin.register(Country)
class CountryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A searchable list."""

    list_display = ("code", "name", "capital", "region", "population", "area")
    list_filter = ("region",)
    search_fields = ("code", "name", "capital")
