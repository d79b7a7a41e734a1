"""Django settings: one file for every environment; what differs comes from the environment (see .env.example)."""

from enigma.env import BASE_DIR, env, load_env_file, secret
from enigma.samples import SAMPLE_FERNET_KEY, SAMPLE_INDEX_KEY, SAMPLE_SECRET_KEY

load_env_file()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = secret("SECRET_KEY", sample=SAMPLE_SECRET_KEY)
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
# Names the audit log; it is hashed into the first entry, so it is chosen once for the life of a database.
ENIGMA_ORIGIN = env.str("ENIGMA_ORIGIN", default="localhost/enigma/1")

INSTALLED_APPS = [
    "enigma",
    "audit",
    "accounts",
    "admissions",
    "batches",
    "procrastinate.contrib.django",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"

# A proxy that ends TLS says in this header how the reader came; trust it only where every request passes the proxy.
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEBUG)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if DEBUG else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"

# consolemail:// prints letters, which is right in development and in a demo; a real cycle refuses to use it.
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=20)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="admissions@localhost")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
