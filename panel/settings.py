"""Every setting of Rookery, from the environment or from a file named by `<NAME>_FILE`.

A value that makes no sense stops the start with a sentence; nothing is guessed. The defaults run the
whole product on one machine out of one folder (`ROOKERY_DATA`).
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from panel import environment
from tenants import keys

BASE_DIR = Path(__file__).resolve().parent.parent


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


# Where things are ---------------------------------------------------------------------------------

DATA_DIR = environment.folder("ROOKERY_DATA", BASE_DIR / "var")
PORT = environment.port("ROOKERY_PORT", 8080)
BASE_URL = environment.base_url("ROOKERY_URL", f"http://localhost:{PORT}")
DEBUG = environment.switch("ROOKERY_DEBUG")
SANDBOX = environment.switch("ROOKERY_SANDBOX")
SANDBOX_CONTROL = DATA_DIR / "sandbox" / "control.sock"
SANDBOX_MAIL_DIR = DATA_DIR / "sandbox" / "mail"
MIRROR_DIR = DATA_DIR / "mirrors"

# For real use: what could only be guessed must be said, and what is for a trial is refused.
PRODUCTION = environment.switch("ROOKERY_PRODUCTION")
if PRODUCTION:
    environment.require(
        "ROOKERY_URL",
        "ROOKERY_SECRET_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "ROOKERY_SMTP_HOST",
        "ROOKERY_MAIL_FROM",
    )
    if not BASE_URL.startswith("https://"):
        raise environment.refusal(
            "ROOKERY_URL",
            f"is {BASE_URL!r}, without TLS, and ROOKERY_PRODUCTION is on",
            "Write the https:// address that people type; a proxy in front may end TLS.",
        )

# Keys ---------------------------------------------------------------------------------------------
# The web process is given the public key only; workers are given the private one.

SECRET_KEY, *SECRET_KEY_FALLBACKS = (
    environment.secrets("ROOKERY_SECRET_KEY") or keys.read_or_make_web_secret(DATA_DIR / "keys").split()
)
_workers = environment.keys_of_workers("ROOKERY_WORKERS_KEY")
WORKERS_KEY, WORKERS_FORMER_KEYS, WORKERS_MARKS = _workers.current, _workers.former, _workers.marks
WORKERS_PUBLIC_KEY = environment.public_key_of_workers("ROOKERY_WORKERS_PUBLIC_KEY")
if not WORKERS_PUBLIC_KEY:
    # A worker on a machine of its own knows the public half by the private one.
    if WORKERS_KEY and not (DATA_DIR / "keys" / keys.PUBLIC).exists():
        WORKERS_PUBLIC_KEY = keys.public_half(WORKERS_KEY)
    elif PRODUCTION:
        # A pair made here would be another one than the workers', and nobody could open what is sealed to it.
        environment.require("ROOKERY_WORKERS_PUBLIC_KEY")
    else:
        WORKERS_PUBLIC_KEY = keys.read_or_make_workers_pair(DATA_DIR / "keys")
if WORKERS_KEY and WORKERS_PUBLIC_KEY not in _workers.public_halves():
    raise environment.refusal(
        "ROOKERY_WORKERS_KEY",
        "and the public key in use do not belong together",
        f"Set ROOKERY_WORKERS_PUBLIC_KEY to its own half, or look into {DATA_DIR / 'keys' / keys.PUBLIC}.",
    )

# Where `manage.py keys` writes renewed ones; None for a key that the environment itself holds.
KEY_FILES = {
    keys.WEB: environment.key_file("ROOKERY_SECRET_KEY", DATA_DIR / "keys" / keys.WEB),
    keys.PRIVATE: environment.key_file("ROOKERY_WORKERS_KEY", DATA_DIR / "keys" / keys.PRIVATE),
    keys.PUBLIC: environment.key_file("ROOKERY_WORKERS_PUBLIC_KEY", DATA_DIR / "keys" / keys.PUBLIC),
}

# Django -------------------------------------------------------------------------------------------

HOSTS = environment.hosts("ROOKERY_HOSTS")
BEHIND_PROXY = environment.switch("ROOKERY_BEHIND_PROXY")
TRUSTED_PROXIES = environment.addresses("ROOKERY_TRUSTED_PROXIES")
ALLOWED_HOSTS = sorted({environment.host_of(BASE_URL), *HOSTS})
if _is_loopback(urlsplit(BASE_URL).hostname or ""):
    ALLOWED_HOSTS = sorted({*ALLOWED_HOSTS, "127.0.0.1", "localhost"})
CSRF_TRUSTED_ORIGINS = [BASE_URL]
INSTALLED_APPS = [
    "panel",
    "tenants",
    "workers",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
]
MIDDLEWARE = [
    "panel.middleware.RequestContext",
    "panel.metrics.http.Measured",
    "panel.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "panel.middleware.StaffSessions",
    "panel.middleware.CurrentActor",
    "panel.middleware.NeededFactors",
]
ROOT_URLCONF = "panel.urls"
ASGI_APPLICATION = "panel.asgi.application"
WSGI_APPLICATION = "panel.wsgi.application"
FORM_RENDERER = "panel.web.forms.RookeryRenderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "panel.web.frame.frame",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
        },
    }
]

AUTH_USER_MODEL = "tenants.Account"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "sign-in"

SECURE_COOKIES = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
# With this beginning, browsers take the cookie from this very host over TLS only: no other name below its
# domain, such as one that an organization runs, can set it.
_HOST_ONLY = "__Host-" if SECURE_COOKIES else ""
SESSION_COOKIE_NAME = f"{_HOST_ONLY}rookery_session"
SESSION_ENGINE = "panel.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 14 * 24 * 3600
# Operators reach everything: they begin anew more often, and need a second factor where others can reach us.
STAFF_SESSION = timedelta(
    hours=environment.number("ROOKERY_STAFF_SESSION_HOURS", 12.0, "Write hours, up to 336.", most=336.0)
)
STAFF_SECOND_FACTOR = environment.switch(
    "ROOKERY_STAFF_SECOND_FACTOR", default=not _is_loopback(urlsplit(BASE_URL).hostname or "")
)
# Tells a browser in which somebody signed in before (panel.web.known_browsers).
KNOWN_BROWSER_COOKIE_NAME = f"{_HOST_ONLY}rookery_known"
CSRF_FAILURE_VIEW = "panel.web.errors.csrf_failure"
CSRF_COOKIE_NAME = f"{_HOST_ONLY}rookery_csrf"
CSRF_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_COOKIES else 0
# Who asks from this machine or its own network whether we live, and how, asks without TLS.
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 << 20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 5
# Images go to a temporary file; the rest stays in memory, since it may hold fingerprints of passphrases.
FILE_UPLOAD_HANDLERS = ["panel.image_uploads.ImageUpload", "panel.uploads.BoundedUpload"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 12 << 20

LANGUAGE_CODE = "en-gb"
TIME_ZONE = environment.time_zone("ROOKERY_TIME_ZONE", "UTC")
USE_I18N = True
# Catalogues of other languages, for the texts of mails and notices (docs/notices.md).
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
# Our own pages alone use them.
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_AUTOREFRESH = DEBUG

# Files --------------------------------------------------------------------------------------------

# Web and workers share them; elsewhere than on this machine's disk by another backend of Django.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "images": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "images", "file_permissions_mode": 0o640},
    },
}

# Whether a process without a port still works: it touches this file again and again.
ALIVE_FILE = environment.file("ROOKERY_ALIVE_PATH")

# Metrics ------------------------------------------------------------------------------------------

# Whoever has it may read /metrics; without one, there is no such page.
METRICS_TOKEN = environment.token("ROOKERY_METRICS_TOKEN")

# Backups ------------------------------------------------------------------------------------------

# Where workers put a backup as often as this; without a folder, none is made by itself.
BACKUPS = environment.named_folder("ROOKERY_BACKUPS")
BACKUP_EVERY = timedelta(
    hours=environment.number("ROOKERY_BACKUP_HOURS", 24.0, "Write hours, up to 720.", most=720.0)
)
BACKUPS_KEPT = environment.count("ROOKERY_BACKUPS_KEPT", 14, "Write how many, from 1 to 1000.", most=1000)
# What opens them: the private half of this key, which is kept elsewhere, or this passphrase.
BACKUP_KEY = environment.public_key("ROOKERY_BACKUP_KEY")
BACKUP_PASSPHRASE = environment.passphrase("ROOKERY_BACKUP_PASSPHRASE")
if BACKUP_KEY and BACKUP_PASSPHRASE:
    raise environment.refusal(
        "ROOKERY_BACKUP_PASSPHRASE", "is set, and ROOKERY_BACKUP_KEY too", "Choose one of them."
    )
if BACKUPS and not (BACKUP_KEY or BACKUP_PASSPHRASE):
    raise environment.refusal(
        "ROOKERY_BACKUPS",
        "is set, and nothing to seal backups with",
        "Set ROOKERY_BACKUP_KEY: manage.py backup --new-key FILE makes one. Or ROOKERY_BACKUP_PASSPHRASE.",
    )

# Database -----------------------------------------------------------------------------------------

DATABASES = {
    "default": environment.database("DATABASE_URL")
    or {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "rookery.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 10,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        },
        # A file, so that other processes of a test can open the same database.
        "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
    }
}

# Broker -------------------------------------------------------------------------------------------

REDIS_URL = environment.broker("REDIS_URL")
SWEEP_SECONDS = environment.number("ROOKERY_SWEEP_SECONDS", 3.0, "Write seconds, above zero.")
CHECK_SECONDS = environment.number("ROOKERY_CHECK_SECONDS", 60.0, "Write seconds, above zero.")

# Who is asked where mail of target domains goes; nobody named: the servers of /etc/resolv.conf.
RESOLVERS = environment.servers("ROOKERY_RESOLVER", 53)

# DNS block lists that are asked about the addresses that mail leaves from; nobody named: none is asked.
BLOCK_LISTS = environment.block_lists("ROOKERY_BLOCK_LISTS")

# Networks around this machine in which organizations may name git hosts and name servers; the public
# Internet is always allowed.
NEAR_NETWORKS = environment.networks("ROOKERY_NEAR_NETWORKS")

# Where the canaries of mail stacks send to: an address, and the Maildir in which workers read its mail. In a
# sandbox that is the end of its Internet.
_SANDBOX_HOME = "canary@canary-home.example"
CANARY_HOME, CANARY_MAILDIR = environment.mail_home(
    "ROOKERY_CANARY", _SANDBOX_HOME if SANDBOX else "", SANDBOX_MAIL_DIR / _SANDBOX_HOME
)

# How long somebody may take to confirm a request for an address.
CONFIRM_DAYS = environment.number("ROOKERY_CONFIRM_DAYS", 7.0, "Write days, up to 366.", most=366.0)
CONFIRM_WITHIN = timedelta(days=CONFIRM_DAYS)
# A hundred years: for ever.
EVENT_DAYS = environment.number("ROOKERY_EVENT_DAYS", 36500.0, "Write days, up to 36500.", most=36500.0)

# Mail that the panel sends ------------------------------------------------------------------------

_smtp = environment.smtp("ROOKERY_SMTP")
EMAIL_HOST = _smtp["EMAIL_HOST"]
EMAIL_PORT = _smtp["EMAIL_PORT"]
EMAIL_HOST_USER = _smtp["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _smtp["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _smtp["EMAIL_USE_TLS"]
EMAIL_USE_SSL = _smtp["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = environment.sender("ROOKERY_MAIL_FROM", "Rookery <rookery@localhost>")

# Only at home ----------------------------------------------------------------------------------------
# The sandbox shows everybody's mail and DEBUG everybody's data: both are for a trial on one machine.


def _signs_of_real_use() -> list[str]:
    """The settings that let somebody else than this machine's own people in, or reach real servers."""
    database = DATABASES["default"].get("HOST") or "localhost"
    signs = {
        "ROOKERY_PRODUCTION": PRODUCTION,
        "ROOKERY_URL": not _is_loopback(urlsplit(BASE_URL).hostname or ""),
        "ROOKERY_HOSTS": not all(_is_loopback(host) for host in HOSTS),
        "ROOKERY_BEHIND_PROXY": BEHIND_PROXY,
        "ROOKERY_TRUSTED_PROXIES": bool(TRUSTED_PROXIES),
        "ROOKERY_SMTP_HOST": not _is_loopback(EMAIL_HOST),
        "ROOKERY_RESOLVER": not all(_is_loopback(address) for address, _ in RESOLVERS),
        "DATABASE_URL": not (database.startswith("/") or _is_loopback(database)),
    }
    return [name for name, is_set in signs.items() if is_set]


for _name, _is_on in (("ROOKERY_SANDBOX", SANDBOX), ("ROOKERY_DEBUG", DEBUG)):
    if _is_on and _signs_of_real_use():
        raise ImproperlyConfigured(
            f"{_name} is on, which is for a trial on this machine only, but these settings reach further:"
            f" {', '.join(_signs_of_real_use())}. Switch {_name} off for real use, or keep all on 127.0.0.1."
        )

# API ----------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "panel.api.authentication.TokenAuthentication",
        "panel.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "panel.api.pagination.CursorPagination",
    "EXCEPTION_HANDLER": "panel.api.errors.exception_handler",
    "DEFAULT_THROTTLE_CLASSES": ["panel.api.throttling.ActorThrottle"],
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Rookery",
    "DESCRIPTION": "Desired state of self-owned e-mail, and the proof that it is so outside.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # What a PATCH may leave out is optional in its shape.
    "COMPONENT_SPLIT_PATCH": False,
    # The document has tests of its own; it is no matter of safety.
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
}

# Logs ---------------------------------------------------------------------------------------------

LOG_FORMAT = environment.choice("ROOKERY_LOG_FORMAT", "line", ("line", "json"))
DEFAULT_EXCEPTION_REPORTER_FILTER = "panel.error_reports.NoValues"
# Masks one-time links and other secrets in every record, whoever's handler writes it.
LOGGING_CONFIG = "panel.logs.configure"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "panel.logs.JsonLines"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": environment.log_level("ROOKERY_LOG_LEVEL", "INFO")},
    "loggers": {
        "paramiko": {"level": "CRITICAL"},
        # Django would mail whole requests to administrators, and print its own way while developing.
        "django": {"handlers": [], "level": "INFO"},
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}
# Other names below the panel's own are not ours to promise TLS for, least of all for ever.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
