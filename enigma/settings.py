"""Django settings: one file for every environment; what differs comes from the environment (see .env.example)."""

from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from enigma.env import BASE_DIR, env, load_env_file, secret
from enigma.samples import SAMPLE_FERNET_KEY, SAMPLE_INDEX_KEY, SAMPLE_SECRET_KEY, SAMPLE_TOKEN_KEY

load_env_file()

DEBUG = env.bool("DEBUG", default=False)
# A stand-in that start-up refuses: libraries read the key when they are loaded, and say less about an empty one.
SECRET_KEY = secret("SECRET_KEY", sample=SAMPLE_SECRET_KEY) or "missing"
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])

# Keys of the personal data: the first encrypts, the others only still decrypt. ENCRYPTION_KEY is the name of 1.x.
ENIGMA_FERNET_KEYS = [
    key.strip()
    for key in (secret("ENIGMA_FERNET_KEYS", sample="") or secret("ENCRYPTION_KEY", sample=SAMPLE_FERNET_KEY)).split(
        ","
    )
    if key.strip()
]
ENIGMA_BIDX_KEY = secret("ENIGMA_BIDX_KEY", sample=SAMPLE_INDEX_KEY)
# Signs the tokens of the API; another key ends every API session.
ENIGMA_JWT_KEY = secret("ENIGMA_JWT_KEY", sample=SAMPLE_TOKEN_KEY)
# Names the audit log; it is hashed into the first entry, so it is chosen once for the life of a database.
ENIGMA_ORIGIN = env.str("ENIGMA_ORIGIN", default="localhost/enigma/1")

INSTALLED_APPS = [
    "enigma",
    "audit",
    "accounts",
    "admissions",
    "batches",
    "procrastinate.contrib.django",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    # The apps' admin modules are loaded by enigma.urls: a command that needs no keys must not come to what reads them.
    "accounts.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "enigma.requests.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "enigma.languages.PageLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.FaultyFormMiddleware",
]
ROOT_URLCONF = "enigma.urls"
WSGI_APPLICATION = "enigma.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.site",
            ]
        },
    }
]

# Without DATABASE_URL there is no database: commands that need none still run, all others are told to set it.
DATABASES = {"default": env.db_url("DATABASE_URL")} if env.str("DATABASE_URL", default="") else {}
if DATABASES:
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # Values travel apart from the SQL, so an error in PostgreSQL's own log shows no row.
    DATABASES["default"].setdefault("OPTIONS", {})["server_side_binding"] = True
# Constraints in raw SQL cannot be checked by Django itself; the database checks them.
SILENCED_SYSTEM_CHECKS = ["models.W045"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.RoleBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Sign-in: by a code sent to the address, for new people and known ones alike (accounts.forms).
LOGIN_URL = LOGOUT_REDIRECT_URL = "account_request_login_code"
LOGIN_REDIRECT_URL = "account_home"
CSRF_FAILURE_VIEW = "accounts.views.refused_form"
SESSION_ENGINE = "accounts.browser_store"
SESSION_COOKIE_AGE = 7 * 24 * 3600
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_FORMS = {"login": "accounts.forms.PasswordForm", "request_login_code": "accounts.forms.RequestCodeForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]  # without a password here /accounts/login/ would ask for none
ACCOUNT_LOGIN_BY_CODE_ENABLED = ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 600
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 600
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
MFA_ADAPTER = "accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "accounts.forms.FactorForm",
    "reauthenticate": "accounts.forms.FactorAgainForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
MFA_TOTP_ISSUER = "ENIGMA"
MFA_TOTP_TOLERANCE = 1  # a clock may be half a minute off; each step still counts once (accounts.second_factor)
# Sign-in by somebody else's OpenID Connect, where an installation names providers whose word on an address it trusts.
OIDC_PROVIDERS = env.json("OIDC_PROVIDERS", default=[])
if OIDC_PROVIDERS:
    INSTALLED_APPS += ["allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"]
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [{**provider, "settings": {"server_url": provider["server_url"]}} for provider in OIDC_PROVIDERS],
        }
    }
    SOCIALACCOUNT_ADAPTER = "accounts.providers.ProviderAdapter"
    SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True  # if it is verified
    SOCIALACCOUNT_LOGIN_ON_GET = False
    SOCIALACCOUNT_STORE_TOKENS = False
# Staff may work without a second factor: for `make demo` only, and every page says so.
SECOND_FACTOR_OPTIONAL = env.bool("SECOND_FACTOR_OPTIONAL", default=False)
# Every page says «Demo data»; `make demo` sets it for the two processes that it starts.
DEMO = env.bool("DEMO", default=False)

# Counters that several server processes share live in the database, and so does what allauth remembers.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache_entries",
        "OPTIONS": {"MAX_ENTRIES": 50_000},  # beyond it Django drops live ones too, and with them what was counted
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.NamedPermission"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.throttles.ScopedThrottle"],
    "DEFAULT_PARSER_CLASSES": ["enigma.rest.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "rest_framework.negotiation.DefaultContentNegotiation",
    "DEFAULT_PAGINATION_CLASS": "enigma.rest.paging.KeysetPages",
    "DEFAULT_SCHEMA_CLASS": "enigma.rest.schema.ProblemSchema",
    "EXCEPTION_HANDLER": "enigma.rest.problems.answer_exception",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": True,
    "NUM_PROXIES": env.int("TRUSTED_PROXIES", default=0),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ENIGMA API",
    "DESCRIPTION": (
        "Blind admissions. Applicants hand in and read their own; staff lead a cycle through its nine phases; machines "
        "carry batches. Errors are problem+json (RFC 9457), times RFC 3339 in UTC, scores decimal text."
    ),
    "VERSION": "1",
    "LICENSE": {"name": "MIT"},
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # Choices stay where they are used: several fields are called status, and mean other things.
    "POSTPROCESSING_HOOKS": [],
}
# Keeps the answers to POST requests that carry an Idempotency-Key (see enigma.rest.views).
REST_IDEMPOTENCY = "accounts.idempotency.once"
# Notes who was refused a change (see enigma.rest.views).
REST_REFUSALS = "accounts.refusals.note"
# Makes of who is signed in an actor, for the console's pages of apps that know no people (see enigma.console.pages).
CONSOLE_ACTOR = "accounts.browser.actor_of"
# Which role holds which permission, for the description of the API (see enigma.rest.schema).
REST_PERMISSIONS = "accounts.roles.PERMISSIONS"

# How many days after publication an applicant may ask that a person look at the result.
REVIEW_DAYS = env.int("REVIEW_DAYS", default=14)

# What pages speak: the language that a reader chose, or else what their browser prefers (enigma.languages).
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ur", "Urdu"), ("ar", "Arabic")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "enigma.formats"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SECURE = not DEBUG
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
# The zone in which pages show times and take them; the API, the logs and the database keep UTC.
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Named by their hash and compressed by collectstatic; a developer's server takes them from where they lie.
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# A proxy that ends TLS says in this header how the reader came; trust it only where every request passes the proxy.
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEBUG)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if DEBUG else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# Watchers ask from inside, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
# Nothing from elsewhere, nothing inline; data: is for the QR code of an authenticator app, and the icons of the docs.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "img-src": [SELF, "data:"],
        # A provider's page is reached by a form of ours that is redirected there.
        "form-action": [SELF, *(f"https://{urlsplit(one['server_url']).netloc}" for one in OIDC_PROVIDERS)],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# consolemail:// prints letters, which is right in development and in a demo; a real cycle refuses to use it.
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=20)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="admissions@localhost")
# What the links in letters begin with; a worker sees no request that would tell. Letters of real cycles demand it.
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000" if DEBUG else "").rstrip("/")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {request_id} {name}: {message}", "style": "{"}},
    "filters": {
        "request_id": {"()": "enigma.requests.RequestIds"},
        "but_not_ready": {"()": "enigma.requests.ButNotReady"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
    "loggers": {
        "django": {},  # without the handlers that Django brings along: each line is written once
        # A refused request is the client's affair, and its address would fill the log; faults of ours are still told.
        "django.request": {"level": "ERROR", "filters": ["but_not_ready"]},
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
