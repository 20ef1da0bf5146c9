"""Who uses the studio: an account with e-mail and password, or a guest with only a name."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone

COLOUR_COUNT = 8


class People(BaseUserManager["User"]):
    """Makes people; an address is compared without regard to case."""

    def create_user(self, email: str | None = None, password: str | None = None, **fields: Any) -> "User":
        person = self.model(email=self.normalize_email(email).lower() if email else None, **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email: str, password: str, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. A guest has no e-mail and no usable password until turned into an account."""

    email = models.EmailField(unique=True, null=True, blank=True)
    display_name = models.CharField(max_length=60)
    colour = models.PositiveSmallIntegerField(default=0, help_text="0 to 7: the hue of cursor and avatar")
    is_guest = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = People()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.display_name or self.email or f"guest {self.pk}"
