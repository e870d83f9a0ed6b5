"""Settings by environment; docs/operations.md has the table. Production refuses to start with an insecure value."""

import datetime as dt
from pathlib import Path

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEBUG = env.bool("DEBUG", default=False)
PRODUCTION = env.bool("PRODUCTION", default=False)
DEMO = env.bool("DEMO", default=not PRODUCTION)
VAR = Path(env.str("TRUNKLINE_VAR", default=str(BASE_DIR / "var")))

DEV_SECRET = "development-only-secret-key-that-production-refuses-0123456789"  # noqa: S105
SECRET_KEY = env.str("SECRET_KEY", default=DEV_SECRET)
CALLBACK_SECRET = env.str("CALLBACK_SECRET", default="development-callback-secret")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SIMULATOR_URL = env.str("SIMULATOR_URL", default="http://127.0.0.1:8099")
SYSTEM_URLS: dict[str, str] = env.dict("SYSTEM_URLS", default={})
SYSTEM_TOKENS: dict[str, str] = env.dict("SYSTEM_TOKENS", default={})

if PRODUCTION:
    if DEBUG:
        raise ImproperlyConfigured("PRODUCTION and DEBUG cannot both be on.")
    if SECRET_KEY == DEV_SECRET or len(SECRET_KEY) < 50:
        raise ImproperlyConfigured("Set SECRET_KEY to at least 50 random characters.")
    if CALLBACK_SECRET.startswith("development") or len(CALLBACK_SECRET) < 20:
        raise ImproperlyConfigured("Set CALLBACK_SECRET to at least 20 random characters; it signs callbacks.")
    if not any(ALLOWED_HOSTS) or "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("Name the hosts in ALLOWED_HOSTS; * accepts any.")
    if not BASE_URL.startswith("https://"):
        raise ImproperlyConfigured("Set BASE_URL to the https address of this product: links in letters start with it.")
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # asked by the container itself, without a certificate
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "django_htmx",
    "template_partials",
    "django_tables2",
    "django_filters",
    "guardian",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "pgtrigger",
    "django_celery_beat",
    "oauth2_provider",
    "config",
    "kernel",
    "catalog",
    "crm",
    "cmdb",
    "contracts",
    "fulfillment",
    "orders",
    "fallout",
    "portal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pads answers against BREACH
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kernel.middleware.ContentPolicy",  # of pages; a file of ours needs none, and there are forty on a page
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "kernel.middleware.Fragments",
    "kernel.middleware.LookingOn",
    "kernel.middleware.Reader",
    "kernel.middleware.WayBack",
    "kernel.middleware.Origin",
    "kernel.middleware.Refusals",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

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
                "kernel.frame.context",
                "portal.views.framing.context",
            ],
            "builtins": ["kernel.templatetags.trunkline", "kernel.templatetags.speaking", "kernel.templatetags.fields"],
        },
    }
]
FORM_RENDERER = "kernel.forms.Renderer"

DATABASES = {"default": env.db_url("DATABASE_URL", default="postgresql:///trunkline")}
DATABASES["default"]["ENGINE"] = "config.database"  # notices a server that fell silent
DATABASE_SILENCE = env.float("DATABASE_SILENCE", default=8.0)
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=600)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# A server that does not answer is noticed, and a web request does not wait for ever. pgtrigger.ignore is what the
# triggers ask for at each row; without a value the question is an error, caught but many times dearer. Statements here
# are short; compiling one takes longer than running it.
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    # our statements are short: compiling them, or starting workers for them, would cost more than it brings
    "options": "-c pgtrigger.ignore={} -c jit=off -c max_parallel_workers_per_gather=0 "
    f"-c statement_timeout={env.int('STATEMENT_TIMEOUT', default=0)}s",
    **DATABASES["default"].get("OPTIONS", {}),
}  # fmt: skip
DATABASES["default"]["TEST"] = {
    "NAME": env.str("TEST_DATABASE", default="test_trunkline"),
    "TEMPLATE": env.str("TEST_TEMPLATE", default="template1"),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "kernel.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: shuts the door after too many tries
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AXES_FAILURE_LIMIT = 8
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # nobody shuts out somebody elsewhere
AXES_COOLOFF_TIME = dt.timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # the audit trail has it
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # people are let in again from their own page
AXES_LOCKOUT_CALLABLE = "kernel.views.entering.locked_out"
OTP_TOTP_ISSUER = "Trunkline"
GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

# Other systems come by the OAuth2 client credentials; docs/api.md. Tokens are kept as hashes.
OAUTH2_PROVIDER_APPLICATION_MODEL = "kernel.ApiClient"
OAUTH2_PROVIDER = {
    "SCOPES_BACKEND_CLASS": "kernel.rest.scopes.OfClient",
    "ACCESS_TOKEN_EXPIRE_SECONDS": env.int("TOKEN_SECONDS", default=3600),
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,  # client credentials are the one grant that is used; the rest is shut
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
}
API_BODY_BYTES = env.int("API_BODY_BYTES", default=4 * 1024 * 1024)
API_PARTIAL = env.bool("API_PARTIAL", default=True)  # a page that is not all is answered 206
API_CALLS_KEPT_DAYS = env.int("API_CALLS_KEPT_DAYS", default=90)
HUB_ALLOW_PRIVATE = env.bool("HUB_ALLOW_PRIVATE", default=False)  # listeners on private addresses and by plain http
HUB_SECONDS = env.int("HUB_SECONDS", default=10)  # that a listener has to answer

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Europe/Amsterdam"
USE_TZ = True
USE_I18N = True
HOME_CURRENCY = env.str("HOME_CURRENCY", default="EUR")  # what building an access and the like is reckoned in

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("inter", BASE_DIR / "node_modules/@fontsource-variable/inter"),
    ("chart", BASE_DIR / "node_modules/chart.js/dist"),
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = VAR / "media"
MEDIA_URL = "/media-is-served-by-views-only/"
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024
MAX_UPLOAD_BYTES = env.int("MAX_UPLOAD_BYTES", default=5 * 1024 * 1024)
VIRUS_SCANNER = env.str("VIRUS_SCANNER", default="")  # where clamd listens, as in tcp://scanner:3310

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 60,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_BEAT_SCHEDULER = "config.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_DB_REUSE_MAX = 1_000_000  # else each task opens a connection of its own; config.celery looks after them
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "kernel.tasks.sweep", "schedule": 5.0, "options": {"expires": 5}},  # kernel.sweeping says of what
    "renew-contracts": {"task": "contracts.tasks.renew_contracts", "schedule": 3600.0, "options": {"expires": 3600}},
    "expire-quotes": {"task": "contracts.tasks.expire_quotes", "schedule": 3600.0, "options": {"expires": 3600}},
    "remind-approvers": {"task": "kernel.tasks.remind_approvers", "schedule": 3600.0, "options": {"expires": 3600}},
    "forget-exports": {"task": "kernel.tasks.forget_exports", "schedule": 3600.0, "options": {"expires": 3600}},
    "send-digests": {"task": "kernel.tasks.send_digests", "schedule": 900.0, "options": {"expires": 900}},
    "send-reports": {"task": "kernel.tasks.send_reports", "schedule": 600.0, "options": {"expires": 600}},
    "end-looks": {"task": "kernel.tasks.end_looks", "schedule": 300.0, "options": {"expires": 300}},
    "tidy-calls": {"task": "kernel.tasks.tidy_calls", "schedule": 3600.0, "options": {"expires": 3600}},
    "activate-agreements": {
        "task": "contracts.tasks.activate_agreements",
        "schedule": 3600.0,
        "options": {"expires": 900},
    },
    "assess-jeopardy": {"task": "orders.tasks.assess_all", "schedule": 120.0, "options": {"expires": 120}},
    "begin-dated-orders": {"task": "orders.tasks.begin_due", "schedule": 300.0, "options": {"expires": 300}},
    "learn-durations": {"task": "fulfillment.tasks.learn", "schedule": 3600.0, "options": {"expires": 3600}},
    "retire-plans": {"task": "fulfillment.tasks.retire_plans", "schedule": 3600.0, "options": {"expires": 900}},
    "assign-free-tasks": {"task": "fulfillment.tasks.assign_free", "schedule": 30.0, "options": {"expires": 30}},
    "watch-orders": {"task": "fallout.tasks.watch", "schedule": 60.0, "options": {"expires": 60}},
    "tidy-fallout": {"task": "fallout.tasks.tidy", "schedule": 30.0, "options": {"expires": 30}},
}
CELERY_TIMEZONE = TIME_ZONE

# PKCS #12 with the certificate that seals signed documents; without one a self-signed one is made for development.
SIGNING_CERTIFICATE = env.str("SIGNING_CERTIFICATE", default=str(VAR / "signing" / "provider.p12"))
SIGNING_PASSWORD = env.str("SIGNING_PASSWORD", default="")

EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = str(VAR / "mail")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Trunkline <no-reply@trunkline.example>")

FILTERS_EMPTY_CHOICE_LABEL = "All"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
}

UNFOLD = {
    "SITE_TITLE": "Trunkline administration",
    "SITE_HEADER": "Trunkline",
    "SITE_SUBHEADER": "Administration",
    "SITE_URL": "/",
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "240 250 250",
            "100": "226 241 241",
            "200": "190 224 224",
            "300": "143 203 202",
            "400": "79 170 168",
            "500": "32 134 135",
            "600": "15 107 110",
            "700": "10 79 82",
            "800": "10 66 69",
            "900": "9 51 54",
            "950": "6 32 31",
        }
    },
    "SIDEBAR": {"show_search": True, "navigation": "kernel.sidebar.groups"},
}
