"""Django's settings, all derived from ``project.env``."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from project import embedded
from project.env import ROOT, Storage, read

ENV = read()
BASE_DIR = ROOT
DEBUG = ENV.debug
SECRET_KEY = ENV.secret_key
ALLOWED_HOSTS = sorted({urlsplit(origin).hostname or "" for origin in ENV.origins})
CSRF_TRUSTED_ORIGINS = list(ENV.origins)
ALLOWED_ORIGINS = list(ENV.origins)
ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_vite",
    "allauth",
    "allauth.account",
    "procrastinate.contrib.django",
    "studio",
]

MIDDLEWARE = [
    "project.postgres.middleware.GiveBack",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "studio.web.guards.Refusals",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "studio.web.tags.ways_in",
            ],
            "libraries": {"rushes": "studio.web.tags"},
        },
    },
]


# A machine that is gone says no goodbye: who asks it something knows after 10 s, who listens to it after 20, and not
# after the system's quarter of an hour and two hours. On a Unix socket these mean nothing.
_LIVELINESS = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "10000",
}


def _database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    options = {key: values[0] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "project.postgres",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or options.pop("user", "")),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or options.pop("host", ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": {"connect_timeout": "5", **_LIVELINESS, **options},
    }


DATABASE_URL = ENV.database_url or embedded.database_url(ENV.data)
REDIS_URL = ENV.redis_url or embedded.redis_url(ENV.data)
DATABASES = {"default": _database(DATABASE_URL)}
# A web process shares these among its threads; a command has a connection or two and no pool. With the four of its
# documents a web process takes 16 of Postgres' usual 100 connections. While Postgres is away a query fails after the
# timeout; the pool tries again at each, so reconnecting must have given up by then.
WEB_POOL: dict[str, Any] = {"min_size": 1, "max_size": 12, "timeout": 2.0, "reconnect_timeout": 1.0, "max_idle": 60.0}
# A worker asks from one thread, and has four more for its jobs. Connecting anew for each question took about 10 ms.
WORKER_POOL = {**WEB_POOL, "max_size": 2}
# Who waits longer has gone, and the connection is one of twelve. What a person does takes milliseconds and holds a row
# for as long; migrations and workers have other work, and none of these.
WEB_LIMITS = {"statement_timeout": "15s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "30s"}


def storage_backend(storage: Storage) -> dict[str, Any]:
    if storage.folder is not None:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(storage.folder), "base_url": None},
        }
    # Not at the top: a quarter of a second that no other studio needs.
    from botocore.config import Config

    # A store that takes the connection and then says nothing would be waited for 5 times 60 s.
    patience = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 2})
    options = {
        "bucket_name": storage.bucket,
        "endpoint_url": storage.endpoint_url or None,
        "access_key": storage.access_key or None,
        "secret_key": storage.secret_key or None,
        "region_name": storage.region or None,
        "querystring_auth": True,
        "file_overwrite": True,
        "client_config": patience,
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


# Clips are nobody's but the studio's, also on a machine that others use; the default would be 0644 and 0755.
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700

STORAGES = {
    "default": storage_backend(ENV.storage),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
STATIC_URL = "/static/"
# Vite writes names that carry a hash, so what it built is served as it is, without collecting.
STATICFILES_DIRS = [ROOT / "static" / "dist", ROOT / "static" / "public"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_ROOT = ROOT / "static" / "public"
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/assets/.+-[A-Za-z0-9_-]{8}\."
DJANGO_VITE = {"default": {"dev_mode": False, "manifest_path": ROOT / "static" / "dist" / "manifest.json"}}

# Counts attempts, over all web processes: allauth's rate limits and studio.web.limits.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "rushes"}
}

AUTH_USER_MODEL = "studio.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "projects"
LOGOUT_REDIRECT_URL = "front"
ACCOUNT_ADAPTER = "studio.web.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_SESSION_REMEMBER = True
# How many proxies of one's own stand in front: so many entries of X-Forwarded-For are believed, and no more.
ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES = ENV.proxies
ACCOUNT_RATE_LIMITS = {"login": "10/m/ip"}
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Rushes: "
SIGN_UP_OPEN = ENV.sign_up
GUESTS_WELCOME = ENV.guests
SESSION_COOKIE_AGE = 60 * 60 * 24 * 90
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = all(origin.startswith("https://") for origin in ENV.origins)
# Links in mails and invitations, also behind a proxy that speaks HTTPS for us.
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SESSION_COOKIE_SECURE else "http"
SECURE_REFERRER_POLICY = "same-origin"
# Over plain HTTP browsers ignore it, and complain in the console.
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin" if SESSION_COOKIE_SECURE else None
X_FRAME_OPTIONS = "DENY"

# The nonce is for CodeMirror's own style element; no script and no style attribute is ever inline.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "blob:", "data:", *([ENV.storage.endpoint_url] if ENV.storage.endpoint_url else [])],
        "media-src": [SELF, "blob:", *([ENV.storage.endpoint_url] if ENV.storage.endpoint_url else [])],
        "connect-src": [SELF],
        "font-src": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
LOCALE_PATHS = [ROOT / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

_EMAIL = urlsplit(ENV.email_url)
EMAIL_BACKEND = (
    "studio.web.post.Backend" if _EMAIL.scheme.startswith("smtp") else "django.core.mail.backends.console.EmailBackend"
)
EMAIL_HOST, EMAIL_PORT = _EMAIL.hostname or "", _EMAIL.port or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_EMAIL.username or ""), unquote(_EMAIL.password or "")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENV.email_from
EMAIL_USE_TLS = _EMAIL.scheme == "smtp+tls"
# Of what is sent in a thread of its own; the default waits for ever.
EMAIL_TIMEOUT = 10

RUSHES_MODEL, RUSHES_DEVICE = ENV.model, ENV.device
RUSHES_MODEL_FOLDER = Path(ENV.model)
GUEST_LIMIT = ENV.guest_limit
WORKER_JOBS, LEASE_S, TAKE_DEADLINE_S = ENV.worker_jobs, ENV.lease_s, ENV.take_deadline_s
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"text": {"()": "project.logs.Text"}, "json": {"()": "project.logs.Json"}},
    "filters": {"tokens": {"()": "project.logs.HideTokens"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": ENV.log, "filters": ["tokens"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {name: {"level": "WARNING"} for name in ("procrastinate", "daphne", "psycopg.pool")},
}
