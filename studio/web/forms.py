"""What people type into the pages."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext_lazy as _

from studio.models import Role, User, Workspace

NAME_LIMIT = 60
TITLE_LIMIT = 120


class GuestForm(forms.Form):
    """The name that others see beside a guest's cursor; it may stay empty."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=NAME_LIMIT,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "nickname", "placeholder": _("Your name (optional)")}),
    )


class NewProjectForm(forms.Form):
    """A project: its title and where it belongs."""

    title = forms.CharField(
        label=_("Title"), max_length=TITLE_LIMIT, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    workspace = forms.ModelChoiceField(label=_("Workspace"), queryset=Workspace.objects.none(), empty_label=None)

    def __init__(self, workspaces: Iterable[Workspace], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ids = [workspace.pk for workspace in workspaces]
        field = self.fields["workspace"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Workspace.objects.filter(pk__in=ids).order_by("created_at")
        field.initial = ids[0] if ids else None
        if len(ids) < 2:
            field.widget = field.hidden_widget()


class KeepForm(forms.Form):
    """The name, address and password that turn a guest into an account."""

    name = forms.CharField(
        label=_("Your name"), max_length=NAME_LIMIT, widget=forms.TextInput(attrs={"autocomplete": "nickname"})
    )
    email = forms.EmailField(label=_("Email"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        validators=[ProhibitNullCharactersValidator()],
        help_text=password_validation.password_validators_help_text_html(),
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "password" in cleaned:
            self._check_password(cleaned["password"], cleaned.get("email"))
        return cleaned

    def _check_password(self, password: str, email: str | None) -> None:
        likeness = User(email=email)
        try:
            password_validation.validate_password(password, likeness)
        except forms.ValidationError as error:
            self.add_error("password", error)


class InviteForm(forms.Form):
    """Which role an invitation gives."""

    role = forms.ChoiceField(choices=Role.choices)
