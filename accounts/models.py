"""Users, the staff record that gives a user a role, and the revocable sessions of staff."""

import uuid
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.roles import Role


class UserManager(BaseUserManager["User"]):
    """Makes users whose address is stored in lower case, so that one person has one account."""

    def create_user(self, email: str, password: str | None = None) -> "User":
        """Store a user; without a password the account can only be entered by other means."""
        user = self.model(email=email.strip().lower())
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by address, whatever its case."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """Anybody who can sign in, by e-mail address: an applicant, or with an AdminUser a member of staff."""

    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_is_lower_case"),
        ]

    def __str__(self) -> str:
        return f"user:{self.pk}"

    @property
    def is_staff(self) -> bool:
        """What Django's admin asks: an active staff record."""
        return AdminUser.objects.filter(user=self, is_active=True).exists()


class AdminUser(models.Model):
    """The staff record of a user. Only this row makes a user staff, and only its role gives permissions."""

    user = models.OneToOneField(User, models.PROTECT, related_name="+")
    role = models.CharField(max_length=20, choices=[(role.value, role.value) for role in Role])
    is_active = models.BooleanField(default=True)
    last_login_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "admin_users"
        constraints = [
            models.CheckConstraint(condition=Q(role__in=[role.value for role in Role]), name="staff_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.role} user:{self.user_id}"


class AdminSession(models.Model):
    """One JWT session of one member of staff. The row is the authority: a token without a live row is nothing."""

    session_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    admin_user = models.ForeignKey(AdminUser, models.PROTECT, related_name="+")
    refresh_sha256 = models.BinaryField(
        max_length=32, unique=True, help_text="Hash of the refresh token; never the token"
    )
    generation = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(default=timezone.now)
    idle_expires_at = models.DateTimeField()
    absolute_expires_at = models.DateTimeField()
    mfa_at = models.DateTimeField(null=True, blank=True)
    ip_hmac = models.BinaryField(max_length=32, null=True, blank=True)
    agent_sha256 = models.BinaryField(max_length=32, null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=40, blank=True)

    class Meta:
        db_table = "admin_sessions"
        indexes = [models.Index(fields=["admin_user", "-created_at"], name="session_by_staff")]
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_reason="") | Q(revoked_at__isnull=False) & ~Q(revoked_reason=""),
                name="session_revocation_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(absolute_expires_at__gt=F("created_at")) & Q(idle_expires_at__lte=F("absolute_expires_at")),
                name="session_times_are_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"session {self.session_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuse a token hash of the wrong size: a token itself must never land in the column."""
        if len(self.refresh_sha256) != 32:
            raise ValueError("refresh_sha256 takes the 32 bytes of a SHA-256")
        super().save(*args, **kwargs)
