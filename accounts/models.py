"""Users, the staff record that gives a user a role, sessions and tokens that can be revoked, and counters."""

import uuid
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import F, Func, IntegerField, Q
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.roles import RECORDED, VERBS


class OctetLength(Func):
    """How many bytes a column holds."""

    function = "octet_length"
    output_field = IntegerField()


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
    browser_generation = models.PositiveIntegerField(
        default=0, editable=False, help_text="Counted up to end the person's sessions in all browsers"
    )

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_is_lower_case"),
            # Django gives a superuser every permission without asking; only the staff record may give any.
            models.CheckConstraint(condition=Q(is_superuser=False), name="nobody_is_a_superuser"),
        ]

    def __str__(self) -> str:
        return f"user:{self.pk}"

    @property
    def is_staff(self) -> bool:
        """What Django's admin asks: an active staff record."""
        return AdminUser.objects.filter(user=self, is_active=True).exists()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a browser's session must match: it changes with the password, and when all sessions are ended."""
        held = f"{self.password}\n{self.browser_generation}"
        return salted_hmac("enigma.browser_session", held, secret=secret, algorithm="sha256").hexdigest()


class AdminUser(models.Model):
    """The staff record of a user. Only this row makes a user staff, and only its role gives permissions."""

    user = models.OneToOneField(User, models.PROTECT, related_name="+")
    role = models.CharField(max_length=20, choices=[(role.value, role.value) for role in RECORDED])
    is_active = models.BooleanField(default=True)
    last_login_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "admin_users"
        verbose_name, verbose_name_plural = _("member of staff"), _("people")
        constraints = [
            models.CheckConstraint(condition=Q(role__in=[role.value for role in RECORDED]), name="staff_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.role} user:{self.user_id}"


class Session(models.Model):
    """One session behind JWTs. The row is the authority: a token without a live row is nothing."""

    session_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    refresh_sha256 = models.BinaryField(
        max_length=32, unique=True, help_text="Hash of the refresh token; never the token"
    )
    generation = models.PositiveIntegerField(default=0)
    rotated_at = models.DateTimeField(null=True, blank=True, help_text="When the refresh token was last exchanged")
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
        abstract = True

    def __str__(self) -> str:
        return f"session {self.session_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuse a token hash of the wrong size: a token itself must never land in the column."""
        if len(self.refresh_sha256) != 32:
            raise ValueError("refresh_sha256 takes the 32 bytes of a SHA-256")
        super().save(*args, **kwargs)


def _session_rules(prefix: str) -> list[models.BaseConstraint]:
    return [
        models.CheckConstraint(
            condition=Q(revoked_at=None, revoked_reason="") | Q(revoked_at__isnull=False) & ~Q(revoked_reason=""),
            name=f"{prefix}_revocation_is_whole",
        ),
        models.CheckConstraint(
            condition=Q(absolute_expires_at__gt=F("created_at")) & Q(idle_expires_at__lte=F("absolute_expires_at")),
            name=f"{prefix}_times_are_in_order",
        ),
        models.CheckConstraint(condition=Q(Exact(OctetLength("refresh_sha256"), 32)), name=f"{prefix}_holds_a_hash"),
    ]


class AdminSession(Session):
    """A session of one member of staff."""

    admin_user = models.ForeignKey(AdminUser, models.PROTECT, related_name="+")

    class Meta:
        db_table = "admin_sessions"
        verbose_name, verbose_name_plural = _("session of staff"), _("sessions of staff")
        indexes = [models.Index(fields=["admin_user", "-created_at"], name="session_by_staff")]
        constraints = _session_rules("session")


class ApplicantSession(Session):
    """A session of one applicant."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")

    class Meta:
        db_table = "applicant_sessions"
        indexes = [models.Index(fields=["user", "-created_at"], name="session_by_applicant")]
        constraints = _session_rules("applicant_session")


class ServiceToken(models.Model):
    """What lets a machine do one thing in one cycle until a date; the token itself is shown once and never stored."""

    token_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    verb = models.CharField(max_length=40, choices=[(verb, verb) for verb in sorted(VERBS)])
    cycle_code = models.CharField(max_length=50, help_text="A code and no foreign key: this app stands below cycles")
    token_sha256 = models.BinaryField(max_length=32, unique=True)
    made_by = models.ForeignKey(AdminUser, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "service_tokens"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(verb__in=sorted(VERBS)), name="service_token_verb_is_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="service_token_expires"),
            models.CheckConstraint(
                condition=Q(Exact(OctetLength("token_sha256"), 32)), name="service_token_holds_a_hash"
            ),
        ]

    def __str__(self) -> str:
        return f"token {self.token_id} for {self.verb}"


class AttemptCounter(models.Model):
    """How often something was tried by one key in one window; rows are counted up in place by one statement."""

    kind = models.CharField(max_length=30)
    key_hmac = models.BinaryField(max_length=32, help_text="Keyed hash of the address or account: no personal data")
    window_ends_at = models.DateTimeField()
    count = models.PositiveIntegerField()

    class Meta:
        db_table = "attempt_counters"
        constraints = [models.UniqueConstraint(fields=["kind", "key_hmac"], name="one_counter_per_key")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.count}"


class IdempotentRequest(models.Model):
    """A POST that carried an Idempotency-Key, and the answer that it got, for a day."""

    key_sha256 = models.BinaryField(max_length=32, unique=True, help_text="Hash of who asked and of the key")
    request_sha256 = models.BinaryField(max_length=32, help_text="Hash of method, path and body")
    status = models.PositiveSmallIntegerField(null=True, help_text="NULL while the first request is being answered")
    content_type = models.CharField(max_length=80, blank=True)
    location = models.CharField(max_length=300, blank=True)
    etag = models.CharField(max_length=80, blank=True)
    body = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "idempotent_requests"
        indexes = [models.Index(fields=["created_at"], name="idempotent_by_age")]

    def __str__(self) -> str:
        return f"request {self.pk}: {self.status}"
