"""Make the picture of a result available to its templates."""

from django import template
from django.utils.formats import number_format

from airports import picture

register = template.Library()

register.simple_tag(picture.country_bars)
register.simple_tag(picture.map_dots)
register.filter(picture.text_bar)


@register.filter
def grouped(number: int) -> str:
    """Return a whole number with its digits in groups, as the language writes it."""
    return number_format(number, use_l10n=True, force_grouping=True)
