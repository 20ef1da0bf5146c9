"""What templates need beyond Django's own."""

from django import forms, template
from django.conf import settings
from django.forms.boundfield import BoundField
from django.http import HttpRequest
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def initials(name: str) -> str:
    """Two letters for an avatar: ``Ana Lopez`` is AL, ``Bo`` is BO."""
    words = name.split()
    letters = words[0][:1] + words[-1][:1] if len(words) > 1 else name.strip()[:2]
    return letters.upper() or "?"


@register.filter
def is_checkbox(field: BoundField) -> bool:
    """Whether a field is drawn as a box before its label."""
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def bare(field: BoundField) -> SafeString:
    """The input without its placeholder: the label above it already says what it is."""
    return field.as_widget(attrs={"placeholder": ""})


def ways_in(request: HttpRequest) -> dict[str, bool]:
    """Context of every page: which doors are open to somebody new."""
    return {"sign_up_open": settings.SIGN_UP_OPEN, "guests_welcome": settings.GUESTS_WELCOME}
