import datetime
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
import django.utils.timezone
import tenants.migrations._together
import tenants.models.fields
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        tenants.migrations._together.CreateTogether(
            operations=[
                migrations.CreateModel(
                    name="Domain",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", tenants.models.fields.ByteOrdered(max_length=253, unique=True)),
                        (
                            "requests",
                            models.CharField(
                                choices=[
                                    ("closed", "nobody can ask for an address"),
                                    ("invitation", "only who has an invitation can ask"),
                                    ("moderated", "anyone can ask, you decide"),
                                    ("automatic", "anyone can ask, a rule says yes and you decide the rest"),
                                ],
                                default="closed",
                                max_length=10,
                            ),
                        ),
                        (
                            "submission_host",
                            models.CharField(
                                blank=True,
                                help_text="The name that mail programs connect to, port 465.",
                                max_length=253,
                            ),
                        ),
                        (
                            "trash_days",
                            models.PositiveSmallIntegerField(
                                default=30,
                                help_text="How long an address stays in the trash, from where it can come back.",
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="Canary",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("local_part", models.CharField(max_length=64)),
                        ("sealed_secret", models.BinaryField()),
                        ("home", models.CharField(blank=True, max_length=254)),
                        (
                            "generation",
                            models.BigIntegerField(
                                default=0, help_text="Of the relay's sync target, when this changed last."
                            ),
                        ),
                        ("made_at", models.DateTimeField()),
                        (
                            "next_look_at",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        (
                            "claimed_until",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "canaries",
                    },
                ),
                migrations.CreateModel(
                    name="Delivery",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "deliveries",
                    },
                ),
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "generation",
                            models.BigIntegerField(
                                default=0, help_text="Of the sync target, when this marked it."
                            ),
                        ),
                        ("verb", models.CharField(max_length=60)),
                        (
                            "subject",
                            models.CharField(help_text="What it was done to, by name.", max_length=300),
                        ),
                        ("sentence", models.CharField(max_length=500)),
                        ("before", models.JSONField(default=dict)),
                        ("after", models.JSONField(default=dict)),
                        ("reason", models.CharField(blank=True, max_length=500)),
                        ("actor_name", models.CharField(max_length=300)),
                        ("via", models.CharField(max_length=20)),
                        ("token", models.CharField(blank=True, max_length=120)),
                        ("ip", models.GenericIPAddressField(null=True)),
                        ("request_id", models.CharField(blank=True, max_length=40)),
                        ("at", models.DateTimeField()),
                    ],
                    options={
                        "ordering": ["-pk"],
                    },
                ),
                migrations.CreateModel(
                    name="Firewall",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("enabled", models.BooleanField(default=True)),
                        (
                            "isolates",
                            models.BooleanField(
                                default=False,
                                help_text="Whether the host's networks are kept apart from each other and the host.",
                            ),
                        ),
                        (
                            "seen",
                            models.JSONField(
                                default=dict, help_text="What a worker read last, with counters."
                            ),
                        ),
                        ("seen_at", models.DateTimeField(null=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="Host",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(help_text="What people call it.", max_length=63)),
                        (
                            "transport",
                            models.CharField(
                                choices=[
                                    ("local", "a socket on this machine"),
                                    ("ssh", "SSH"),
                                    ("tls", "its TLS endpoint"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("host", models.CharField(blank=True, max_length=253)),
                        ("port", models.PositiveIntegerField(default=22)),
                        ("username", models.CharField(blank=True, max_length=64)),
                        ("socket_folder", models.CharField(default="/run/albatross", max_length=400)),
                        (
                            "public_key",
                            models.CharField(
                                blank=True, help_text="Ours, to be authorized on the host.", max_length=500
                            ),
                        ),
                        (
                            "sealed_key",
                            models.BinaryField(
                                help_text="The SSH key, or the key of the authority that signs commands over TLS.",
                                null=True,
                            ),
                        ),
                        (
                            "host_key",
                            models.CharField(blank=True, help_text="The pinned key line.", max_length=2000),
                        ),
                        (
                            "offered_host_key",
                            models.CharField(
                                blank=True, help_text="What the host showed last.", max_length=2000
                            ),
                        ),
                        (
                            "server_ca",
                            models.TextField(
                                blank=True, help_text="PEM: the endpoint's certificate comes from it."
                            ),
                        ),
                        (
                            "authority",
                            models.TextField(
                                blank=True,
                                help_text="PEM: the certificate that signs commands, issuers next.",
                            ),
                        ),
                        (
                            "release",
                            models.CharField(
                                blank=True, help_text="Of albatross, as found; empty: not yet.", max_length=20
                            ),
                        ),
                        (
                            "seen",
                            models.JSONField(
                                default=dict,
                                help_text="What a worker saw last: CPUs, memory, bridges, what runs.",
                            ),
                        ),
                        ("seen_at", models.DateTimeField(null=True)),
                        (
                            "tenders",
                            models.JSONField(
                                help_text="Those of Solo5, such as solo5-hvt.2; null where nobody could look as root.",
                                null=True,
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="Image",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("sha256", models.CharField(max_length=64)),
                        ("size", models.PositiveBigIntegerField(help_text="In bytes.")),
                        ("name", models.CharField(max_length=100)),
                        (
                            "role",
                            models.CharField(
                                choices=[
                                    ("other", "something else"),
                                    ("submission", "submission"),
                                    ("relay", "relay"),
                                    ("signer", "signer"),
                                    ("verifier", "verifier"),
                                    ("spamfilter", "spam filter"),
                                    ("primary_dns", "primary DNS"),
                                    ("secondary_dns", "secondary DNS"),
                                    ("certificates", "Let's Encrypt"),
                                    ("resolver", "resolver"),
                                ],
                                default="other",
                                max_length=20,
                            ),
                        ),
                        (
                            "era",
                            models.CharField(
                                blank=True,
                                help_text="Which generation of the stack, e.g. 2025.",
                                max_length=40,
                            ),
                        ),
                        ("note", models.CharField(blank=True, max_length=500)),
                        (
                            "source",
                            models.CharField(
                                blank=True,
                                help_text="Where Rookery itself got it; empty: uploaded.",
                                max_length=2100,
                            ),
                        ),
                        ("target", models.CharField(max_length=10)),
                        ("abi_version", models.PositiveIntegerField()),
                        ("machine", models.CharField(max_length=20)),
                        ("devices", models.JSONField(help_text="Of its manifest: [name, kind] each.")),
                        (
                            "shared",
                            models.BooleanField(default=False, help_text="Every organization may run it."),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="Release",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("number", models.PositiveSmallIntegerField()),
                        ("parts", models.JSONField()),
                        ("services", models.JSONField(default=dict)),
                        ("note", models.CharField(blank=True, max_length=200)),
                        ("made_by", models.CharField(max_length=300)),
                        ("made_at", models.DateTimeField()),
                    ],
                    options={
                        "ordering": ["number"],
                    },
                ),
                migrations.CreateModel(
                    name="Account",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("password", models.CharField(max_length=128, verbose_name="password")),
                        (
                            "last_login",
                            models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                        ),
                        ("email", models.EmailField(max_length=254, unique=True)),
                        ("name", models.CharField(blank=True, max_length=100)),
                        ("is_staff", models.BooleanField(default=False)),
                        ("is_active", models.BooleanField(default=True)),
                        (
                            "is_service",
                            models.BooleanField(
                                default=False, help_text="A program: nobody can sign in as it."
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("email", django.db.models.functions.text.Lower("email")),
                                    models.Q(("email", ""), _negated=True),
                                ),
                                name="sign_in_is_in_lower_case",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AddressRequest",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("local_part", tenants.models.fields.ByteOrdered(max_length=64)),
                        ("target", tenants.models.fields.ByteOrdered(max_length=254)),
                        ("sealed_hash", models.BinaryField(null=True)),
                        ("message", models.CharField(blank=True, max_length=500)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("asked", "asked"),
                                    ("confirmed", "waiting for a decision"),
                                    ("approved", "approved"),
                                    ("refused", "refused"),
                                    ("withdrawn", "taken back"),
                                    ("taken", "the address cannot be had"),
                                    ("expired", "not confirmed in time"),
                                    ("lapsed", "not decided in time"),
                                ],
                                default="asked",
                                max_length=10,
                            ),
                        ),
                        ("reason", models.CharField(blank=True, max_length=500)),
                        (
                            "waits_because",
                            models.CharField(
                                blank=True,
                                help_text="Why no rule said yes, or why it cannot be had. For deciders.",
                                max_length=500,
                            ),
                        ),
                        (
                            "given_to",
                            models.CharField(
                                blank=True,
                                help_text="Whom a rule gave it to, as the rule counts; else empty.",
                                max_length=254,
                            ),
                        ),
                        (
                            "confirm_digest",
                            models.CharField(
                                help_text="Of the token in the mail.", max_length=64, unique=True
                            ),
                        ),
                        (
                            "page_digest",
                            models.CharField(
                                help_text="Of the token of the timeline.", max_length=64, unique=True
                            ),
                        ),
                        ("asked_at", models.DateTimeField()),
                        ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                        ("decided_at", models.DateTimeField(blank=True, null=True)),
                        ("reminded_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "remind_at",
                            models.DateTimeField(
                                blank=True, help_text="When deciders are reminded next.", null=True
                            ),
                        ),
                        (
                            "decide_by",
                            models.DateTimeField(
                                blank=True, help_text="When it lapses; never when empty.", null=True
                            ),
                        ),
                        (
                            "account",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "decided_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="decisions",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "domain",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="address_requests",
                                to="tenants.domain",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="AddressImport",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "name",
                            models.CharField(
                                blank=True, help_text="What the file was called.", max_length=100
                            ),
                        ),
                        (
                            "unit",
                            models.CharField(
                                help_text="What its rows are called: line or row.", max_length=10
                            ),
                        ),
                        (
                            "vouched",
                            models.BooleanField(
                                help_text="An owner answers for those who get the mail; they are not asked."
                            ),
                        ),
                        (
                            "counts",
                            models.JSONField(default=dict, help_text="How many rows have each verdict."),
                        ),
                        (
                            "questions",
                            models.PositiveIntegerField(
                                default=0, help_text="How many people would be asked by mail."
                            ),
                        ),
                        ("digest", models.CharField(max_length=64)),
                        ("created_at", models.DateTimeField()),
                        ("expires_at", models.DateTimeField()),
                        ("applied_at", models.DateTimeField(null=True)),
                        (
                            "generation",
                            models.BigIntegerField(
                                default=0, help_text="Of the relay's sync target; carries the changes."
                            ),
                        ),
                        (
                            "account",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="imports",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "domain",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="imports",
                                to="tenants.domain",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Allowance",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("key", models.CharField(max_length=200, unique=True)),
                        ("since", models.DateTimeField()),
                        ("used", models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["since"], name="tenants_all_since_9d777a_idx")],
                    },
                ),
                migrations.CreateModel(
                    name="BuildServer",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(help_text="Its host name.", max_length=253, unique=True)),
                        ("note", models.CharField(blank=True, max_length=200)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("name", django.db.models.functions.text.Lower("name")),
                                    models.Q(("name", ""), _negated=True),
                                ),
                                name="build_server_has_a_small_name",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CanaryOutage",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "way",
                            models.CharField(
                                choices=[("in", "into the domain"), ("out", "out of the domain")],
                                max_length=3,
                            ),
                        ),
                        ("began_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(null=True)),
                        (
                            "part",
                            models.CharField(
                                choices=[
                                    ("dial", "connecting"),
                                    ("banner", "the greeting"),
                                    ("tls", "TLS"),
                                    ("auth", "signing in"),
                                    ("accepted", "taking the message"),
                                    ("arrived", "arriving"),
                                ],
                                help_text="At which the first round ended.",
                                max_length=8,
                            ),
                        ),
                        ("problem", models.CharField(help_text="What the first round said.", max_length=300)),
                        (
                            "canary",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="outages",
                                to="tenants.canary",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="CanarySpan",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "way",
                            models.CharField(
                                choices=[("in", "into the domain"), ("out", "out of the domain")],
                                max_length=3,
                            ),
                        ),
                        (
                            "length",
                            models.CharField(choices=[("hour", "hour"), ("day", "day")], max_length=4),
                        ),
                        ("begins_at", models.DateTimeField()),
                        ("proved", models.FloatField(default=0)),
                        ("failed", models.FloatField(default=0)),
                        ("rounds", models.PositiveIntegerField(default=0)),
                        ("lost", models.PositiveIntegerField(default=0, help_text="Rounds that failed.")),
                        (
                            "slowest",
                            models.PositiveIntegerField(
                                help_text="Milliseconds until one arrived.", null=True
                            ),
                        ),
                        (
                            "canary",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="spans",
                                to="tenants.canary",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="CanaryWay",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "way",
                            models.CharField(
                                choices=[("in", "into the domain"), ("out", "out of the domain")],
                                max_length=3,
                            ),
                        ),
                        (
                            "standing",
                            models.CharField(
                                choices=[("new", "not known yet"), ("works", "works"), ("failing", "fails")],
                                default="new",
                                max_length=7,
                            ),
                        ),
                        ("since", models.DateTimeField(help_text="Of the standing.")),
                        ("recent", models.JSONField(default=list)),
                        (
                            "judged_at",
                            models.DateTimeField(help_text="When a round said something, last.", null=True),
                        ),
                        (
                            "proved_at",
                            models.DateTimeField(help_text="When a message arrived, last.", null=True),
                        ),
                        (
                            "latency",
                            models.PositiveIntegerField(
                                help_text="Of that message, in milliseconds.", null=True
                            ),
                        ),
                        (
                            "problem",
                            models.CharField(
                                blank=True, help_text="Of the last round, if it failed.", max_length=300
                            ),
                        ),
                        (
                            "canary",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="ways",
                                to="tenants.canary",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="CodeApp",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("sealed_seed", models.BinaryField()),
                        (
                            "last_step",
                            models.BigIntegerField(
                                default=-1,
                                help_text="The time step of the last code that was taken; none before it is again.",
                            ),
                        ),
                        ("begun_at", models.DateTimeField()),
                        ("confirmed_at", models.DateTimeField(null=True)),
                        ("last_used_at", models.DateTimeField(null=True)),
                        (
                            "account",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="code_app",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="DecisionLink",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("digest", models.CharField(max_length=64, unique=True)),
                        ("expires_at", models.DateTimeField()),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="decision_links",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "request",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="decision_links",
                                to="tenants.addressrequest",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="DomainOffer",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("digest", models.CharField(max_length=64, unique=True)),
                        (
                            "recipient",
                            models.CharField(
                                blank=True, help_text="Who was mailed the link.", max_length=254
                            ),
                        ),
                        ("created_at", models.DateTimeField()),
                        ("expires_at", models.DateTimeField()),
                        (
                            "domain",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="offer",
                                to="tenants.domain",
                            ),
                        ),
                        (
                            "made_by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="DomainRole",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "role",
                            models.CharField(
                                choices=[
                                    ("decider", "decides requests"),
                                    ("postmaster", "runs addresses"),
                                    ("zone-keeper", "edits DNS"),
                                    ("observer", "looks, changes nothing"),
                                ],
                                max_length=20,
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="domain_roles",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "domain",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="roles",
                                to="tenants.domain",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="FormerPassphrase",
                    fields=[
                        (
                            "event",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="former_passphrase",
                                serialize=False,
                                to="tenants.event",
                            ),
                        ),
                        (
                            "sealed_hash",
                            models.BinaryField(help_text="Null: it had none; it was an alias.", null=True),
                        ),
                        ("followed_by", models.CharField(max_length=64)),
                        ("kept_until", models.DateTimeField()),
                    ],
                ),
                migrations.AddField(
                    model_name="event",
                    name="actor",
                    field=models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="events",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddField(
                    model_name="event",
                    name="domain",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="events",
                        to="tenants.domain",
                    ),
                ),
                migrations.AddField(
                    model_name="event",
                    name="undoes",
                    field=models.OneToOneField(
                        help_text="The event that this one set back. Each is undone once; undoing that is doing it again.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="undone_by",
                        to="tenants.event",
                    ),
                ),
                migrations.CreateModel(
                    name="FirewallRule",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "position",
                            models.PositiveIntegerField(help_text="From 1; the first that fits counts."),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("dnat", "dnat"),
                                    ("snat", "snat"),
                                    ("masquerade", "masquerade"),
                                    ("forward", "forward"),
                                    ("input", "input"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("source", models.CharField(blank=True, max_length=50)),
                        ("destination", models.CharField(blank=True, max_length=50)),
                        ("protocol", models.CharField(blank=True, max_length=10)),
                        ("port", models.PositiveIntegerField(default=0)),
                        ("to_address", models.CharField(blank=True, max_length=50)),
                        ("to_port", models.PositiveIntegerField(default=0)),
                        ("from_interface", models.CharField(blank=True, max_length=15)),
                        ("to_interface", models.CharField(blank=True, max_length=15)),
                        (
                            "verdict",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", ""),
                                    ("accept", "accept"),
                                    ("drop", "drop"),
                                    ("reject", "reject"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("note", models.CharField(blank=True, max_length=120)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "firewall",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="rules",
                                to="tenants.firewall",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["position", "pk"],
                    },
                ),
                migrations.CreateModel(
                    name="HeldName",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("local_part", tenants.models.fields.ByteOrdered(max_length=64)),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("reserved", "only the team gives it"),
                                    ("never", "not given again"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("reason", models.CharField(blank=True, max_length=200)),
                        ("since", models.DateTimeField()),
                        ("by_name", models.CharField(max_length=300)),
                        (
                            "by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "domain",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="held_names",
                                to="tenants.domain",
                            ),
                        ),
                    ],
                ),
                migrations.AddField(
                    model_name="firewall",
                    name="host",
                    field=models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="firewall",
                        to="tenants.host",
                    ),
                ),
                migrations.CreateModel(
                    name="HostPreparation",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "asked",
                            models.CharField(
                                blank=True,
                                choices=[("", "nothing"), ("look", "look"), ("prepare", "set it up")],
                                max_length=10,
                            ),
                        ),
                        (
                            "agreed",
                            models.CharField(
                                blank=True, help_text="The plan that a person agreed to.", max_length=64
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("unknown", "not looked at yet"),
                                    ("ready", "set up as it should be"),
                                    ("todo", "something is to be done"),
                                    ("by_hand", "somebody with a shell there has to do it"),
                                    ("failed", "the look did not succeed"),
                                ],
                                default="unknown",
                                max_length=10,
                            ),
                        ),
                        ("sentence", models.TextField(blank=True, help_text="What a person reads first.")),
                        (
                            "right",
                            models.JSONField(
                                default=list, help_text="Sentences about what is as it should be."
                            ),
                        ),
                        (
                            "problems",
                            models.JSONField(
                                default=list, help_text="Sentences about what only a person can change."
                            ),
                        ),
                        ("steps", models.JSONField(default=list)),
                        ("plan", models.CharField(blank=True, max_length=64)),
                        ("asked_at", models.DateTimeField()),
                        ("looked_at", models.DateTimeField(null=True)),
                        (
                            "claimed_until",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        (
                            "username",
                            models.CharField(
                                default="root",
                                help_text="The account that does it: root, or one that may use sudo.",
                                max_length=64,
                            ),
                        ),
                        (
                            "with_git",
                            models.BooleanField(
                                default=True, help_text="Whether repositories are kept there, too."
                            ),
                        ),
                        ("with_firewall", models.BooleanField(default=True)),
                        (
                            "key_fingerprint",
                            models.CharField(
                                blank=True,
                                help_text="Of the key that signs the packages; empty: not compared.",
                                max_length=40,
                            ),
                        ),
                        (
                            "script",
                            models.TextField(blank=True, help_text="All of it for a person to run as root."),
                        ),
                        (
                            "host",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="preparation",
                                to="tenants.host",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="HostShare",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "path",
                            models.CharField(
                                blank=True,
                                help_text="The label in front of its unikernels' names there. Empty: the root path, without a label.",
                                max_length=63,
                            ),
                        ),
                        ("most_unikernels", models.PositiveIntegerField(default=8)),
                        (
                            "memory",
                            models.PositiveIntegerField(
                                default=512, help_text="In MB, of all of them together."
                            ),
                        ),
                        (
                            "storage",
                            models.PositiveIntegerField(
                                default=0, help_text="In MB, of all block volumes; 0 for none."
                            ),
                        ),
                        ("cpuids", models.JSONField(default=list, help_text="CPUs that they may run on.")),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "host",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="shares",
                                to="tenants.host",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="HostWatch",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("lease_owner", models.CharField(blank=True, max_length=100)),
                        (
                            "lease_until",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        ("fence", models.BigIntegerField(default=0)),
                        (
                            "looked_at",
                            models.DateTimeField(help_text="When what runs there was read last.", null=True),
                        ),
                        (
                            "problem",
                            models.CharField(
                                blank=True, help_text="Why it is not watched; empty if it is.", max_length=500
                            ),
                        ),
                        ("failures", models.PositiveIntegerField(default=0)),
                        (
                            "next_try_at",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        (
                            "host",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="watch",
                                to="tenants.host",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "host watches",
                    },
                ),
                migrations.CreateModel(
                    name="ImportRow",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "place",
                            models.PositiveIntegerField(
                                help_text="Its line in a CSV file, or its number in a JSON list."
                            ),
                        ),
                        (
                            "shown",
                            models.CharField(help_text="The address as it was written.", max_length=130),
                        ),
                        ("local_part", models.CharField(blank=True, max_length=254)),
                        (
                            "asked",
                            models.JSONField(
                                default=dict, help_text="Values by column, without secrets; others stay."
                            ),
                        ),
                        ("sealed_hash", models.BinaryField(null=True)),
                        (
                            "unreadable",
                            models.JSONField(default=list, help_text="Problems of the row itself."),
                        ),
                        (
                            "remarks",
                            models.JSONField(
                                default=list, help_text="What is worth knowing: what could not come along."
                            ),
                        ),
                        (
                            "verdict",
                            models.CharField(
                                choices=[
                                    ("create", "new"),
                                    ("change", "changed"),
                                    ("unchanged", "unchanged"),
                                    ("refused", "refused"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "changes",
                            models.JSONField(default=dict, help_text="By what is changed: before and after."),
                        ),
                        (
                            "problems",
                            models.JSONField(
                                default=list, help_text="Why it is refused: field, problem, fix."
                            ),
                        ),
                        (
                            "of_import",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="rows",
                                to="tenants.addressimport",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Installation",
                    fields=[
                        ("singleton", models.BooleanField(default=True, editable=False, unique=True)),
                        ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "swept_at",
                            models.DateTimeField(
                                help_text="When a worker last looked for what is due.", null=True
                            ),
                        ),
                        (
                            "backed_up_at",
                            models.DateTimeField(help_text="When the last backup was whole.", null=True),
                        ),
                        (
                            "backup_begun_at",
                            models.DateTimeField(help_text="When a worker last began one.", null=True),
                        ),
                        (
                            "backup_problem",
                            models.CharField(
                                blank=True, help_text="Why that one was not made.", max_length=500
                            ),
                        ),
                        (
                            "restored_at",
                            models.DateTimeField(
                                help_text="When all of this came out of a backup.", null=True
                            ),
                        ),
                        (
                            "restored_from",
                            models.DateTimeField(
                                help_text="What that backup saw: how things stood then.", null=True
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("singleton", True)), name="there_is_one_installation"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Invitation",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("digest", models.CharField(max_length=64, unique=True)),
                        (
                            "note",
                            models.CharField(
                                blank=True, help_text="Whom it is for; for the team.", max_length=200
                            ),
                        ),
                        (
                            "recipient",
                            models.CharField(
                                blank=True, help_text="Who was mailed the link.", max_length=254
                            ),
                        ),
                        (
                            "local_part",
                            models.CharField(
                                blank=True, help_text="The one to have; free when empty.", max_length=64
                            ),
                        ),
                        (
                            "approved",
                            models.BooleanField(
                                default=False, help_text="A yes beforehand; else it is decided as usual."
                            ),
                        ),
                        ("uses", models.PositiveIntegerField(help_text="How many may ask with it.")),
                        ("uses_left", models.PositiveIntegerField()),
                        ("created_at", models.DateTimeField()),
                        ("expires_at", models.DateTimeField()),
                        ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "domain",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="invitations",
                                to="tenants.domain",
                            ),
                        ),
                        (
                            "made_by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="invitations",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                ),
                migrations.AddField(
                    model_name="addressrequest",
                    name="invitation",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="requests",
                        to="tenants.invitation",
                    ),
                ),
                migrations.CreateModel(
                    name="Mailbox",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("local_part", tenants.models.fields.ByteOrdered(max_length=64)),
                        (
                            "kind",
                            models.CharField(
                                choices=[("mailbox", "mailbox"), ("alias", "alias")],
                                default="mailbox",
                                max_length=10,
                            ),
                        ),
                        (
                            "sealed_hash",
                            models.BinaryField(
                                help_text="The passphrase's BLAKE2b hash, for workers only.", null=True
                            ),
                        ),
                        ("enabled", models.BooleanField(default=True)),
                        (
                            "off_by_holder",
                            models.BooleanField(
                                default=False,
                                help_text="Who holds it switched it off, and may switch it on; else the team did.",
                            ),
                        ),
                        ("trashed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "trash_look_at",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc),
                                help_text="When Rookery looks again whether it is to be deleted for good.",
                            ),
                        ),
                        ("note", models.CharField(blank=True, max_length=200)),
                        (
                            "reached",
                            models.BooleanField(
                                default=False,
                                help_text="Somebody gets its mail (see tenants.reach). Kept by marks, for lists.",
                            ),
                        ),
                        (
                            "flowing_hosts",
                            models.JSONField(
                                blank=True,
                                default=list,
                                help_text="An alias of mailboxes: the target domains that its entry holds together.",
                            ),
                        ),
                        (
                            "expires_at",
                            models.DateTimeField(
                                blank=True, help_text="Then Rookery puts it into the trash.", null=True
                            ),
                        ),
                        (
                            "expiry_told_at",
                            models.DateTimeField(
                                blank=True, help_text="When people were reminded of it.", null=True
                            ),
                        ),
                        ("generation", models.BigIntegerField(default=0)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("changed_at", models.DateTimeField()),
                        (
                            "likeness",
                            models.CharField(
                                blank=True,
                                help_text="Equal for equal passphrases of an organization; only workers make it.",
                                max_length=32,
                            ),
                        ),
                        (
                            "likened_at",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc),
                                help_text="`changed_at` when the likeness was made.",
                            ),
                        ),
                        (
                            "delivers_to",
                            models.ManyToManyField(
                                help_text="An alias: mailboxes of the same domain whose targets get its mail too.",
                                related_name="aliases",
                                through="tenants.Delivery",
                                through_fields=("alias", "mailbox"),
                                to="tenants.mailbox",
                            ),
                        ),
                        (
                            "domain",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="mailboxes",
                                to="tenants.domain",
                            ),
                        ),
                        (
                            "made_for",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                help_text="An alias that a person made: whoever holds this mailbox holds the alias.",
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="own_aliases",
                                to="tenants.mailbox",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "mailboxes",
                    },
                ),
                migrations.CreateModel(
                    name="Holding",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("since", models.DateTimeField()),
                        ("note", models.CharField(blank=True, max_length=200)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="holdings",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "mailbox",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="holdings",
                                to="tenants.mailbox",
                            ),
                        ),
                    ],
                ),
                migrations.AddField(
                    model_name="event",
                    name="mailbox",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="events",
                        to="tenants.mailbox",
                    ),
                ),
                migrations.AddField(
                    model_name="delivery",
                    name="alias",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="tenants.mailbox",
                    ),
                ),
                migrations.AddField(
                    model_name="delivery",
                    name="mailbox",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fed_by",
                        to="tenants.mailbox",
                    ),
                ),
                migrations.CreateModel(
                    name="AddressWarning",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("shared-exchange", "two targets have the same mail server"),
                                    ("loop", "mail goes round in a circle"),
                                    ("reused-passphrase", "the passphrase is used elsewhere too"),
                                ],
                                max_length=20,
                            ),
                        ),
                        ("sentence", models.CharField(max_length=1000)),
                        ("since", models.DateTimeField()),
                        (
                            "mailbox",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="warnings",
                                to="tenants.mailbox",
                            ),
                        ),
                    ],
                ),
                migrations.AddField(
                    model_name="addressrequest",
                    name="mailbox",
                    field=models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="request",
                        to="tenants.mailbox",
                    ),
                ),
                migrations.CreateModel(
                    name="MailCheck",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("dns_elsewhere", models.BooleanField(default=False)),
                        ("wanted", models.JSONField(default=list)),
                        (
                            "looked_at",
                            models.DateTimeField(help_text="When all checks were done last.", null=True),
                        ),
                        (
                            "next_look_at",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        (
                            "claimed_until",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        (
                            "domain",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="mail_check",
                                to="tenants.domain",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="CheckMute",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("line", models.CharField(max_length=400)),
                        ("reason", models.CharField(max_length=200)),
                        ("until", models.DateTimeField()),
                        (
                            "muted_by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "check_of",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="mutes",
                                to="tenants.mailcheck",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="CheckLine",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("line", models.CharField(max_length=400)),
                        ("position", models.PositiveIntegerField()),
                        (
                            "level",
                            models.CharField(
                                choices=[
                                    ("ok", "ok"),
                                    ("info", "info"),
                                    ("recommended", "recommended"),
                                    ("waiting", "waiting"),
                                    ("unknown", "unknown"),
                                    ("warn", "warn"),
                                    ("fail", "fail"),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("sentence", models.TextField()),
                        ("seen", models.JSONField(default=list)),
                        ("wanted", models.JSONField(default=list)),
                        ("who", models.CharField(blank=True, max_length=60)),
                        ("fix", models.TextField(blank=True)),
                        (
                            "until",
                            models.DateTimeField(
                                help_text="When the last old answer is forgotten.", null=True
                            ),
                        ),
                        ("since", models.DateTimeField()),
                        ("looked_at", models.DateTimeField()),
                        ("times", models.PositiveIntegerField(default=1)),
                        (
                            "told",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("ok", "ok"),
                                    ("info", "info"),
                                    ("recommended", "recommended"),
                                    ("waiting", "waiting"),
                                    ("unknown", "unknown"),
                                    ("warn", "warn"),
                                    ("fail", "fail"),
                                ],
                                max_length=12,
                            ),
                        ),
                        (
                            "check_of",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="lines",
                                to="tenants.mailcheck",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="CheckChange",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("line", models.CharField(max_length=400)),
                        (
                            "before",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("ok", "ok"),
                                    ("info", "info"),
                                    ("recommended", "recommended"),
                                    ("waiting", "waiting"),
                                    ("unknown", "unknown"),
                                    ("warn", "warn"),
                                    ("fail", "fail"),
                                ],
                                max_length=12,
                            ),
                        ),
                        (
                            "after",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("ok", "ok"),
                                    ("info", "info"),
                                    ("recommended", "recommended"),
                                    ("waiting", "waiting"),
                                    ("unknown", "unknown"),
                                    ("warn", "warn"),
                                    ("fail", "fail"),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("sentence", models.TextField()),
                        ("at", models.DateTimeField()),
                        (
                            "check_of",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="changes",
                                to="tenants.mailcheck",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Network",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("bridge", models.CharField(max_length=15)),
                        ("subnet", models.CharField(help_text="E.g. 10.0.0.0/24.", max_length=18)),
                        ("gateway", models.GenericIPAddressField(protocol="IPv4")),
                        (
                            "first",
                            models.GenericIPAddressField(
                                help_text="Of the addresses given to unikernels.", protocol="IPv4"
                            ),
                        ),
                        ("last", models.GenericIPAddressField(protocol="IPv4")),
                        (
                            "host",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="networks",
                                to="tenants.host",
                            ),
                        ),
                        (
                            "share",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="networks",
                                to="tenants.hostshare",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="NoticeChoice",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("kind", models.CharField(max_length=40)),
                        (
                            "delivery",
                            models.CharField(
                                choices=[
                                    ("at_once", "by mail, at once"),
                                    ("daily", "in a daily summary by mail"),
                                    ("weekly", "in a weekly summary by mail"),
                                    ("panel", "in the panel only"),
                                    ("off", "not at all"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="notice_choices",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Organization",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100)),
                        ("domain_quota", models.PositiveIntegerField(default=10)),
                        ("domain_count", models.PositiveIntegerField(default=0)),
                        ("mailbox_quota", models.PositiveIntegerField(default=1000)),
                        ("mailbox_count", models.PositiveIntegerField(default=0)),
                        ("member_quota", models.PositiveIntegerField(default=100)),
                        (
                            "token_quota",
                            models.PositiveIntegerField(default=100, help_text="Of keys that are its own."),
                        ),
                        ("webhook_quota", models.PositiveIntegerField(default=10)),
                        (
                            "second_factor_required",
                            models.BooleanField(
                                default=False,
                                help_text="Its people get nowhere before they have set up a second factor.",
                            ),
                        ),
                        (
                            "webhook_count",
                            models.PositiveSmallIntegerField(
                                default=0, help_text="Of those that are switched on."
                            ),
                        ),
                        (
                            "suspended_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="Since when its people may look and change nothing.",
                                null=True,
                            ),
                        ),
                        (
                            "suspended_because",
                            models.CharField(blank=True, help_text="Told to its people.", max_length=500),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("suspended_at", None), ("suspended_because", "")),
                                    models.Q(
                                        ("suspended_at__isnull", False),
                                        models.Q(("suspended_because", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="organization_is_suspended_with_a_reason",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("name", ""), _negated=True),
                                name="organization_has_a_name",
                            ),
                            models.UniqueConstraint(
                                django.db.models.functions.text.Lower("name"),
                                name="organization_name_exists_once",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("domain_count__lte", models.F("domain_quota"))),
                                name="organization_keeps_its_domain_quota",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("mailbox_count__lte", models.F("mailbox_quota"))),
                                name="organization_keeps_its_mailbox_quota",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Notice",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("kind", models.CharField(max_length=40)),
                        (
                            "thing_type",
                            models.CharField(
                                blank=True, help_text="The model of what it is about.", max_length=40
                            ),
                        ),
                        ("thing_id", models.BigIntegerField(null=True)),
                        (
                            "path",
                            models.CharField(blank=True, help_text="Of the page about it.", max_length=400),
                        ),
                        ("line", models.CharField(max_length=300)),
                        ("at", models.DateTimeField()),
                        ("read_at", models.DateTimeField(null=True)),
                        (
                            "due_at",
                            models.DateTimeField(
                                help_text="When a summary takes it along; none where it waits.", null=True
                            ),
                        ),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="notices",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "domain",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="tenants.domain",
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="tenants.organization",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Membership",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "role",
                            models.CharField(
                                choices=[("owner", "owner"), ("manager", "manager"), ("viewer", "viewer")],
                                max_length=10,
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="memberships",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="memberships",
                                to="tenants.organization",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="ImageFetch",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("url", models.CharField(max_length=2000)),
                        (
                            "name",
                            models.CharField(help_text="What the image will be called.", max_length=100),
                        ),
                        ("role", models.CharField(max_length=20)),
                        ("era", models.CharField(blank=True, max_length=40)),
                        ("note", models.CharField(blank=True, max_length=500)),
                        (
                            "sha256",
                            models.CharField(
                                blank=True, help_text="That it must have; empty: any.", max_length=64
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("waiting", "waits for a worker"),
                                    ("running", "is being fetched"),
                                    ("done", "fetched"),
                                    ("failed", "failed"),
                                ],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        ("received", models.PositiveBigIntegerField(default=0, help_text="In bytes.")),
                        (
                            "length",
                            models.PositiveBigIntegerField(
                                help_text="In bytes, where the server says so.", null=True
                            ),
                        ),
                        ("problem", models.CharField(blank=True, max_length=500)),
                        ("fix", models.CharField(blank=True, max_length=300)),
                        ("tries", models.PositiveSmallIntegerField(default=0)),
                        (
                            "claimed_until",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        ("created_at", models.DateTimeField()),
                        ("changed_at", models.DateTimeField()),
                        (
                            "image",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="fetches",
                                to="tenants.image",
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="image_fetches",
                                to="tenants.organization",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "image fetches",
                    },
                ),
                migrations.CreateModel(
                    name="ImageFeed",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("server", models.CharField(help_text="Its host name.", max_length=253)),
                        ("job", models.CharField(max_length=100)),
                        ("platform", models.CharField(blank=True, help_text="Empty: any.", max_length=60)),
                        ("role", models.CharField(max_length=20)),
                        ("era", models.CharField(blank=True, max_length=40)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("nothing", "no build seen yet"),
                                    ("proposed", "a newer build"),
                                    ("taken", "asked for"),
                                    ("ignored", "ignored"),
                                    ("there", "the newest is here"),
                                ],
                                default="nothing",
                                max_length=10,
                            ),
                        ),
                        (
                            "build",
                            models.CharField(
                                blank=True, help_text="UUID of the newest build.", max_length=36
                            ),
                        ),
                        ("file_name", models.CharField(blank=True, max_length=100)),
                        ("sha256", models.CharField(blank=True, max_length=64)),
                        ("size", models.PositiveBigIntegerField(help_text="In bytes.", null=True)),
                        ("built_at", models.DateTimeField(null=True)),
                        (
                            "problem",
                            models.CharField(blank=True, help_text="Of the last look.", max_length=500),
                        ),
                        ("fix", models.CharField(blank=True, max_length=300)),
                        ("looked_at", models.DateTimeField(null=True)),
                        (
                            "next_look_at",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        (
                            "claimed_until",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "fetch",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="feeds",
                                to="tenants.imagefetch",
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="image_feeds",
                                to="tenants.organization",
                            ),
                        ),
                    ],
                ),
                migrations.AddField(
                    model_name="image",
                    name="organization",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="images",
                        to="tenants.organization",
                    ),
                ),
                migrations.AddField(
                    model_name="image",
                    name="shared_with",
                    field=models.ManyToManyField(
                        help_text="Who else may run it.",
                        related_name="lent_images",
                        to="tenants.organization",
                    ),
                ),
                migrations.AddField(
                    model_name="hostshare",
                    name="organization",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="host_shares",
                        to="tenants.organization",
                    ),
                ),
                migrations.AddField(
                    model_name="host",
                    name="organization",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hosts",
                        to="tenants.organization",
                    ),
                ),
                migrations.CreateModel(
                    name="Export",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("waiting", "a worker puts it together"),
                                    ("ready", "ready to be fetched"),
                                    ("fetched", "fetched"),
                                    ("expired", "nobody fetched it in time"),
                                    ("replaced", "a newer one was asked for"),
                                    ("failed", "it could not be made"),
                                ],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        (
                            "public_key",
                            models.BinaryField(
                                help_text="None: it has no secrets.", max_length=32, null=True
                            ),
                        ),
                        ("archive", models.BinaryField(null=True)),
                        (
                            "size",
                            models.PositiveBigIntegerField(default=0, help_text="Of the archive, in bytes."),
                        ),
                        ("files", models.PositiveIntegerField(default=0)),
                        ("problem", models.CharField(blank=True, max_length=300)),
                        (
                            "claimed_until",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        ("asked_at", models.DateTimeField()),
                        ("made_at", models.DateTimeField(null=True)),
                        ("fetched_at", models.DateTimeField(null=True)),
                        ("expires_at", models.DateTimeField()),
                        (
                            "asked_by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "domain",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="exports",
                                to="tenants.domain",
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="exports",
                                to="tenants.organization",
                            ),
                        ),
                    ],
                ),
                migrations.AddField(
                    model_name="event",
                    name="organization",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="tenants.organization",
                    ),
                ),
                migrations.AddField(
                    model_name="domain",
                    name="organization",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="domains",
                        to="tenants.organization",
                    ),
                ),
                migrations.CreateModel(
                    name="ApiToken",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "kinds",
                            models.JSONField(
                                default=list, help_text="The kinds of things that it knows; all when empty."
                            ),
                        ),
                        (
                            "verbs",
                            models.JSONField(
                                default=list,
                                help_text="What it may do to them besides seeing; all when empty.",
                            ),
                        ),
                        (
                            "networks",
                            models.JSONField(
                                default=list, help_text="Where it may be used from; anywhere when empty."
                            ),
                        ),
                        ("name", models.CharField(max_length=100)),
                        ("digest", models.CharField(max_length=64, unique=True)),
                        (
                            "hint",
                            models.CharField(
                                help_text="The first characters, to recognise it by.", max_length=12
                            ),
                        ),
                        ("read_only", models.BooleanField(default=False)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("expires_at", models.DateTimeField(null=True)),
                        ("last_used_at", models.DateTimeField(null=True)),
                        (
                            "idle_days",
                            models.PositiveSmallIntegerField(
                                help_text="It ends when nobody used it for so many days; never by that when empty.",
                                null=True,
                            ),
                        ),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="tokens",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "domain",
                            models.ForeignKey(
                                blank=True,
                                help_text="The only domain that the token knows; all of them when empty.",
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                to="tenants.domain",
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                blank=True,
                                help_text="Where the token may act; everywhere that its account may when empty.",
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                to="tenants.organization",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="OrganizationImport",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "name",
                            models.CharField(
                                blank=True, help_text="What the file was called.", max_length=100
                            ),
                        ),
                        ("content", models.BinaryField(null=True)),
                        (
                            "closed",
                            models.BooleanField(help_text="It is sealed: its key is typed each time."),
                        ),
                        (
                            "vouched",
                            models.BooleanField(
                                help_text="An owner answers for those who get the mail; they are not asked."
                            ),
                        ),
                        ("people", models.BooleanField(help_text="Its people are let in with their roles.")),
                        ("lines", models.JSONField(default=list, help_text="[verdict, thing, why] each.")),
                        (
                            "counts",
                            models.JSONField(default=dict, help_text="How many lines have each verdict."),
                        ),
                        ("digest", models.CharField(max_length=64)),
                        ("created_at", models.DateTimeField()),
                        ("expires_at", models.DateTimeField()),
                        ("applied_at", models.DateTimeField(null=True)),
                        (
                            "account",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="imports",
                                to="tenants.organization",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="OutgoingMail",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("recipient", models.CharField(max_length=254)),
                        ("subject", models.CharField(max_length=200)),
                        ("sealed_body", models.BinaryField(null=True)),
                        ("created_at", models.DateTimeField()),
                        ("sent_at", models.DateTimeField(null=True)),
                        ("given_up_at", models.DateTimeField(null=True)),
                        ("failures", models.PositiveIntegerField(default=0)),
                        ("problem", models.CharField(blank=True, max_length=300)),
                        (
                            "next_try_at",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        (
                            "claimed_until",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                fields=["sent_at", "next_try_at"], name="tenants_out_sent_at_85e188_idx"
                            )
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("given_up_at__isnull", True), ("sent_at__isnull", True)),
                                    ("sealed_body__isnull", True),
                                    _connector="OR",
                                ),
                                name="finished_mail_has_no_body",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Passkey",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100)),
                        ("credential_id", models.BinaryField(max_length=1023, unique=True)),
                        (
                            "credential",
                            models.BinaryField(
                                help_text="Id and public key, as WebAuthn §6.5.1 writes them."
                            ),
                        ),
                        ("counter", models.BigIntegerField(default=0)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("last_used_at", models.DateTimeField(null=True)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="passkeys",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="PublicAddress",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("address", models.GenericIPAddressField(protocol="IPv4")),
                        (
                            "host",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="public_addresses",
                                to="tenants.host",
                            ),
                        ),
                        (
                            "share",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="public_addresses",
                                to="tenants.hostshare",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "public addresses",
                    },
                ),
                migrations.CreateModel(
                    name="RecoveryCode",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("digest", models.CharField(max_length=64)),
                        ("used_at", models.DateTimeField(null=True)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="recovery_codes",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="CanaryRound",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "way",
                            models.CharField(
                                choices=[("in", "into the domain"), ("out", "out of the domain")],
                                max_length=3,
                            ),
                        ),
                        ("tag", models.CharField(max_length=40, unique=True)),
                        ("began_at", models.DateTimeField()),
                        (
                            "verdict",
                            models.CharField(
                                choices=[
                                    ("asked", "not begun"),
                                    ("waiting", "under way"),
                                    ("proved", "arrived"),
                                    ("failed", "failed"),
                                    ("unknown", "not found out"),
                                ],
                                default="waiting",
                                max_length=7,
                            ),
                        ),
                        (
                            "took",
                            models.JSONField(
                                default=dict, help_text="Milliseconds of each part that was reached."
                            ),
                        ),
                        (
                            "failed",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("dial", "connecting"),
                                    ("banner", "the greeting"),
                                    ("tls", "TLS"),
                                    ("auth", "signing in"),
                                    ("accepted", "taking the message"),
                                    ("arrived", "arriving"),
                                ],
                                help_text="The part at which it ended.",
                                max_length=8,
                            ),
                        ),
                        ("problem", models.CharField(blank=True, max_length=300)),
                        (
                            "latency",
                            models.PositiveIntegerField(
                                help_text="From the first byte to its arrival, in milliseconds.", null=True
                            ),
                        ),
                        ("asked_at", models.DateTimeField(null=True)),
                        ("asked_by", models.CharField(blank=True, max_length=300)),
                        (
                            "ended_at",
                            models.DateTimeField(
                                help_text="Of a letter: when its verdict was found.", null=True
                            ),
                        ),
                        ("source", models.CharField(blank=True, max_length=60)),
                        ("answers", models.JSONField(default=list)),
                        ("headers", models.JSONField(default=list)),
                        (
                            "canary",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="rounds",
                                to="tenants.canary",
                            ),
                        ),
                        (
                            "release",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="tenants.release",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Repository",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[("relay", "relay.git"), ("zone", "zone.git")],
                                default="relay",
                                max_length=10,
                            ),
                        ),
                        ("host", models.CharField(max_length=253)),
                        ("port", models.PositiveIntegerField(default=22)),
                        ("username", models.CharField(default="git", max_length=64)),
                        ("path", models.CharField(max_length=500)),
                        ("branch", models.CharField(default="main", max_length=200)),
                        (
                            "reload",
                            models.CharField(
                                choices=[("hand", "by hand"), ("sandbox", "by the sandbox")],
                                default="hand",
                                max_length=10,
                            ),
                        ),
                        (
                            "public_key",
                            models.CharField(
                                help_text="Ours, to be authorized on the git host.", max_length=500
                            ),
                        ),
                        ("sealed_key", models.BinaryField()),
                        (
                            "host_key",
                            models.CharField(blank=True, help_text="The pinned key line.", max_length=2000),
                        ),
                        (
                            "offered_host_key",
                            models.CharField(
                                blank=True, help_text="What the host showed last.", max_length=2000
                            ),
                        ),
                        (
                            "restart_quiet",
                            models.PositiveIntegerField(
                                default=20,
                                help_text="Seconds without a change before what reads it restarts.",
                            ),
                        ),
                        (
                            "restart_apart",
                            models.PositiveIntegerField(
                                default=300, help_text="Seconds between two restarts, unless it is urgent."
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "domain",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="relay",
                                to="tenants.domain",
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="repositories",
                                to="tenants.organization",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "repositories",
                    },
                ),
                migrations.CreateModel(
                    name="PrimaryServer",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("address", models.GenericIPAddressField()),
                        ("port", models.PositiveIntegerField(default=53)),
                        (
                            "grammar",
                            models.CharField(
                                choices=[("new", "2024 or newer"), ("old", "2022 or 2023")],
                                default="new",
                                max_length=10,
                            ),
                        ),
                        (
                            "removed_with",
                            models.CharField(
                                blank=True,
                                help_text="The domain with whose mail stack it was removed.",
                                max_length=253,
                            ),
                        ),
                        (
                            "repository",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="primary",
                                to="tenants.repository",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="HostSetup",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "asked",
                            models.CharField(
                                blank=True,
                                choices=[("", "nothing"), ("look", "look"), ("prepare", "set it up")],
                                max_length=10,
                            ),
                        ),
                        (
                            "agreed",
                            models.CharField(
                                blank=True, help_text="The plan that a person agreed to.", max_length=64
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("unknown", "not looked at yet"),
                                    ("ready", "set up as it should be"),
                                    ("todo", "something is to be done"),
                                    ("by_hand", "somebody with a shell there has to do it"),
                                    ("failed", "the look did not succeed"),
                                ],
                                default="unknown",
                                max_length=10,
                            ),
                        ),
                        ("sentence", models.TextField(blank=True, help_text="What a person reads first.")),
                        (
                            "right",
                            models.JSONField(
                                default=list, help_text="Sentences about what is as it should be."
                            ),
                        ),
                        (
                            "problems",
                            models.JSONField(
                                default=list, help_text="Sentences about what only a person can change."
                            ),
                        ),
                        ("steps", models.JSONField(default=list)),
                        ("plan", models.CharField(blank=True, max_length=64)),
                        ("asked_at", models.DateTimeField()),
                        ("looked_at", models.DateTimeField(null=True)),
                        (
                            "claimed_until",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        ("keys", models.JSONField(default=list)),
                        (
                            "repository",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="host_setup",
                                to="tenants.repository",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Run",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "mode",
                            models.CharField(
                                choices=[("apply", "apply"), ("preview", "preview")],
                                default="apply",
                                max_length=10,
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("queued", "waiting for a worker"),
                                    ("running", "running"),
                                    ("waiting", "will try again"),
                                    ("stopped", "needs a person"),
                                    ("succeeded", "done"),
                                    ("failed", "failed"),
                                ],
                                default="queued",
                                max_length=10,
                            ),
                        ),
                        ("generation", models.BigIntegerField(help_text="What this pass set out to prove.")),
                        ("title", models.CharField(max_length=200)),
                        (
                            "outcome",
                            models.CharField(
                                blank=True, help_text="Machine-readable, e.g. unreachable.", max_length=60
                            ),
                        ),
                        ("advice", models.TextField(blank=True, help_text="What a person reads first.")),
                        ("attempts", models.PositiveIntegerField(default=0)),
                        ("plan", models.JSONField(default=dict, help_text="The masked plan, as shown.")),
                        ("plan_checksum", models.CharField(blank=True, max_length=64)),
                        (
                            "agree_to",
                            models.CharField(
                                blank=True,
                                help_text="What a person may agree to so that it goes on.",
                                max_length=64,
                            ),
                        ),
                        ("fence", models.BigIntegerField(default=0)),
                        (
                            "asked_at",
                            models.DateTimeField(
                                help_text="Since when somebody waits for what it proves; null if nobody asked.",
                                null=True,
                            ),
                        ),
                        ("created_at", models.DateTimeField()),
                        ("started_at", models.DateTimeField(null=True)),
                        ("finished_at", models.DateTimeField(null=True)),
                        (
                            "asked_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                db_index=False,
                                help_text="Its target's; here for lists.",
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="runs",
                                to="tenants.organization",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Evidence",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=40)),
                        ("value", models.CharField(max_length=300)),
                        ("seen_at", models.DateTimeField()),
                        (
                            "run",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="evidence",
                                to="tenants.run",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "evidence",
                        "ordering": ["pk"],
                    },
                ),
                migrations.CreateModel(
                    name="Session",
                    fields=[
                        ("session_data", models.TextField(verbose_name="session data")),
                        ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                        ("session_key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                        ("begun_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("seen_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("ip", models.GenericIPAddressField(null=True)),
                        (
                            "agent",
                            models.CharField(
                                blank=True, help_text="What the browser calls itself.", max_length=300
                            ),
                        ),
                        (
                            "must_rotate",
                            models.BooleanField(
                                default=False,
                                help_text="Its person's rank was changed by somebody else: it gets another key.",
                            ),
                        ),
                        (
                            "account",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sessions",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="SigningKey",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("selector", models.CharField(max_length=63)),
                        (
                            "algorithm",
                            models.CharField(
                                choices=[
                                    ("rsa-2048", "RSA, 2048 bits (signers up to 2024)"),
                                    ("rsa-4096", "RSA, 4096 bits (signers since 2025)"),
                                    ("ed25519", "Ed25519 (signers since 2025)"),
                                ],
                                default="rsa-2048",
                                max_length=10,
                            ),
                        ),
                        ("sealed_seed", models.BinaryField()),
                        (
                            "public_key",
                            models.TextField(blank=True, help_text="Base64, as after p= in the record."),
                        ),
                        ("problem", models.CharField(blank=True, max_length=200)),
                        (
                            "claimed_until",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        ("retired_at", models.DateTimeField(blank=True, null=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "domain",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="signing_keys",
                                to="tenants.domain",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="SignInLink",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("digest", models.CharField(max_length=64, unique=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("expires_at", models.DateTimeField()),
                        ("used_at", models.DateTimeField(null=True)),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sign_in_links",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Stack",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("submission_host", models.CharField(max_length=253)),
                        ("selector", models.CharField(default="s1", max_length=253)),
                        ("git_address", models.CharField(max_length=253)),
                        (
                            "production",
                            models.BooleanField(
                                default=False,
                                help_text="Certificates come from the real CA, not from the one for tests.",
                            ),
                        ),
                        (
                            "open_relay",
                            models.BooleanField(
                                default=False,
                                help_text="Somebody decided to open port 25 although the receiver takes any recipient.",
                            ),
                        ),
                        (
                            "wanted",
                            models.CharField(
                                choices=[
                                    ("running", "should run"),
                                    ("cancelled", "cancelled: what it made is kept, and nothing runs"),
                                    ("removed", "being removed"),
                                ],
                                default="running",
                                max_length=10,
                            ),
                        ),
                        (
                            "firewall",
                            models.CharField(
                                choices=[
                                    ("closed", "closed"),
                                    ("prepared", "prepared"),
                                    ("open", "open for mail"),
                                    ("others", "rules of others lead to it"),
                                ],
                                default="closed",
                                max_length=10,
                            ),
                        ),
                        (
                            "adopted_at",
                            models.DateTimeField(help_text="When it was taken over, as it ran.", null=True),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("changed_at", models.DateTimeField()),
                        (
                            "domain",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="stack",
                                to="tenants.domain",
                            ),
                        ),
                        (
                            "network",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="stacks",
                                to="tenants.network",
                            ),
                        ),
                        (
                            "public",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="stack",
                                to="tenants.publicaddress",
                            ),
                        ),
                        (
                            "release",
                            models.ForeignKey(
                                help_text="The one that should run; null only while the stack is being made.",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="tenants.release",
                            ),
                        ),
                        (
                            "share",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="stacks",
                                to="tenants.hostshare",
                            ),
                        ),
                    ],
                ),
                migrations.AddField(
                    model_name="release",
                    name="stack",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="releases",
                        to="tenants.stack",
                    ),
                ),
                migrations.AddField(
                    model_name="canary",
                    name="stack",
                    field=models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="canary", to="tenants.stack"
                    ),
                ),
                migrations.CreateModel(
                    name="StackPhase",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=20)),
                        ("position", models.PositiveSmallIntegerField()),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("pending", "not begun"),
                                    ("doing", "at it"),
                                    ("proved", "proved"),
                                    ("failed", "failed"),
                                    ("leaving", "being taken back"),
                                    ("gone", "taken back"),
                                ],
                                default="pending",
                                max_length=10,
                            ),
                        ),
                        ("reason", models.CharField(blank=True, max_length=1000)),
                        ("proof", models.JSONField(default=dict)),
                        ("began_at", models.DateTimeField(null=True)),
                        (
                            "ended_at",
                            models.DateTimeField(
                                help_text="When it was proved, failed or taken back.", null=True
                            ),
                        ),
                        (
                            "tries",
                            models.PositiveSmallIntegerField(
                                default=0, help_text="How often somebody asked for it again."
                            ),
                        ),
                        (
                            "stack",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="phases",
                                to="tenants.stack",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["position"],
                    },
                ),
                migrations.CreateModel(
                    name="Step",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("index", models.PositiveSmallIntegerField()),
                        ("name", models.CharField(max_length=20)),
                        ("title", models.CharField(max_length=200)),
                        ("detail", models.TextField(blank=True)),
                        ("log", models.TextField(blank=True)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("pending", "not started"),
                                    ("running", "running"),
                                    ("done", "done"),
                                    ("failed", "failed"),
                                    ("skipped", "not needed"),
                                ],
                                default="pending",
                                max_length=10,
                            ),
                        ),
                        ("started_at", models.DateTimeField(null=True)),
                        ("finished_at", models.DateTimeField(null=True)),
                        (
                            "run",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="steps",
                                to="tenants.run",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["index"],
                    },
                ),
                migrations.CreateModel(
                    name="StoredAnswer",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("key", models.CharField(max_length=200)),
                        (
                            "fingerprint",
                            models.CharField(
                                help_text="Of the method, the address and the body.", max_length=64
                            ),
                        ),
                        ("status", models.PositiveSmallIntegerField(default=0)),
                        ("headers", models.JSONField(default=dict)),
                        ("body", models.TextField(blank=True, help_text="JSON, without what is shown once.")),
                        ("expires_at", models.DateTimeField()),
                        (
                            "account",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "token",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="tenants.apitoken",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Survey",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("asked_at", models.DateTimeField()),
                        (
                            "domain",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="survey",
                                to="tenants.domain",
                            ),
                        ),
                        (
                            "share",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="surveys",
                                to="tenants.hostshare",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="SyncTarget",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("relay_repository", "relay repository"),
                                    ("zone_repository", "zone repository"),
                                    ("dynamic_update", "name server with dynamic updates"),
                                    ("albatross_host", "albatross host"),
                                    ("firewall", "firewall"),
                                    ("stack", "mail stack"),
                                ],
                                max_length=20,
                            ),
                        ),
                        (
                            "drift_mode",
                            models.CharField(
                                choices=[
                                    ("report", "report: show it, touch nothing"),
                                    ("repair", "repair: write what Rookery has"),
                                    ("adopt", "adopt: take it over into Rookery"),
                                ],
                                default="report",
                                max_length=10,
                            ),
                        ),
                        ("generation", models.BigIntegerField(default=1)),
                        ("observed_generation", models.BigIntegerField(default=0)),
                        (
                            "marked_at",
                            models.DateTimeField(
                                help_text="When the oldest change was asked for that is not proved yet."
                            ),
                        ),
                        ("observed_at", models.DateTimeField(null=True)),
                        ("checked_at", models.DateTimeField(null=True)),
                        (
                            "next_check_at",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        (
                            "next_try_at",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        ("failures", models.PositiveIntegerField(default=0)),
                        (
                            "stop_code",
                            models.CharField(
                                blank=True, help_text="Why a person is needed; else empty.", max_length=40
                            ),
                        ),
                        (
                            "stop_generation",
                            models.BigIntegerField(
                                default=0, help_text="What had been asked for when it stopped."
                            ),
                        ),
                        (
                            "agreed_to",
                            models.JSONField(
                                default=list, help_text="Checksums that a person agreed to; used once."
                            ),
                        ),
                        (
                            "proof",
                            models.JSONField(
                                default=dict, help_text="What was last proved outside, e.g. commit and tree."
                            ),
                        ),
                        (
                            "held_since",
                            models.DateTimeField(
                                help_text="It came out of a backup: looked at, and not written to before a person says so.",
                                null=True,
                            ),
                        ),
                        (
                            "mode_before",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("report", "report: show it, touch nothing"),
                                    ("repair", "repair: write what Rookery has"),
                                    ("adopt", "adopt: take it over into Rookery"),
                                ],
                                help_text="Its drift mode in the backup.",
                                max_length=10,
                            ),
                        ),
                        ("lease_owner", models.CharField(blank=True, max_length=100)),
                        (
                            "lease_until",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        ("fence", models.BigIntegerField(default=0)),
                        (
                            "firewall",
                            models.OneToOneField(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sync_target",
                                to="tenants.firewall",
                            ),
                        ),
                        (
                            "host_share",
                            models.OneToOneField(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sync_target",
                                to="tenants.hostshare",
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="sync_targets",
                                to="tenants.organization",
                            ),
                        ),
                        (
                            "repository",
                            models.OneToOneField(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sync_target",
                                to="tenants.repository",
                            ),
                        ),
                        (
                            "stack",
                            models.OneToOneField(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sync_target",
                                to="tenants.stack",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="SurveyLook",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "place",
                            models.CharField(
                                choices=[
                                    ("host", "what runs on the host"),
                                    ("rules", "the host's firewall"),
                                    ("users", "the repository of the users"),
                                    ("zone", "the repository of the zone"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("seen", models.JSONField()),
                        ("seen_at", models.DateTimeField()),
                        (
                            "survey",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="looks",
                                to="tenants.survey",
                            ),
                        ),
                        (
                            "target",
                            models.ForeignKey(
                                help_text="Where it was read.",
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="tenants.synctarget",
                            ),
                        ),
                    ],
                ),
                migrations.AddField(
                    model_name="run",
                    name="target",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="tenants.synctarget",
                    ),
                ),
                migrations.CreateModel(
                    name="Finding",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("unit", tenants.models.fields.ByteOrdered(max_length=200)),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("foreign", "not made by Rookery"),
                                    ("skipped", "skipped by the mail servers"),
                                    ("drift", "changed outside"),
                                    ("conflict", "changed outside and here"),
                                    ("unsafe", "not written, because ptt would mishandle it"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("sentence", models.CharField(max_length=500)),
                        (
                            "outside",
                            models.TextField(
                                help_text="What is there, secrets masked; null: nothing.", null=True
                            ),
                        ),
                        (
                            "ours",
                            models.TextField(
                                help_text="What Rookery has, secrets masked; null: nothing.", null=True
                            ),
                        ),
                        (
                            "outside_id",
                            models.CharField(
                                blank=True, help_text="Identifies the exact bytes there.", max_length=64
                            ),
                        ),
                        (
                            "hosts",
                            models.TextField(
                                blank=True, help_text="Domains of the targets outside, a space around each."
                            ),
                        ),
                        ("takeable", models.BooleanField(help_text="Rookery could hold what is outside.")),
                        (
                            "decision",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("adopt", "take over what is outside"),
                                    ("repair", "write what Rookery has"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("since", models.DateTimeField()),
                        (
                            "target",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="findings",
                                to="tenants.synctarget",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["unit"],
                    },
                ),
                migrations.AddField(
                    model_name="event",
                    name="sync_target",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="events",
                        to="tenants.synctarget",
                    ),
                ),
                migrations.CreateModel(
                    name="Condition",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "type",
                            models.CharField(
                                choices=[
                                    ("Synced", "Synced"),
                                    ("Reachable", "Reachable"),
                                    ("Drifted", "Drifted"),
                                    ("Conflicted", "Conflicted"),
                                    ("UnsafeEntries", "Unsafe Entries"),
                                    ("ForeignEntries", "Foreign Entries"),
                                    ("ReloadPending", "Reload Pending"),
                                    ("Growing", "Growing"),
                                    ("Unproved", "Unproved"),
                                    ("Ended", "Ended"),
                                    ("ManyZones", "Many Zones"),
                                    ("ServersApart", "Servers Apart"),
                                    ("Certificates", "Certificates"),
                                    ("Canary", "Canary"),
                                ],
                                max_length=30,
                            ),
                        ),
                        ("status", models.BooleanField()),
                        ("reason", models.CharField(max_length=60)),
                        ("message", models.TextField()),
                        ("details", models.JSONField(default=dict)),
                        ("since", models.DateTimeField()),
                        ("seen_at", models.DateTimeField()),
                        (
                            "target",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="conditions",
                                to="tenants.synctarget",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="TargetAddress",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("address", tenants.models.fields.ByteOrdered(max_length=254)),
                        (
                            "digest",
                            models.CharField(
                                help_text="Of the token in the mail's link.", max_length=64, unique=True
                            ),
                        ),
                        ("asked_at", models.DateTimeField()),
                        ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "source",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("link", "pressed the button in our mail"),
                                    ("owner", "vouched for by an owner"),
                                    ("outside", "got the mail already when Rookery took the address over"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "host",
                            models.GeneratedField(
                                db_persist=True,
                                expression=django.db.models.functions.text.Lower(
                                    django.db.models.functions.text.Substr(
                                        "address",
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.functions.text.StrIndex(
                                                "address", models.Value("@")
                                            ),
                                            "+",
                                            models.Value(1),
                                        ),
                                    )
                                ),
                                output_field=models.CharField(max_length=254),
                            ),
                        ),
                        (
                            "exchange",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "no other target has the same mail server"),
                                    ("checking", "not written yet: where its mail goes is being looked up"),
                                    ("shared", "not written: it has the same mail server as another target"),
                                    (
                                        "accepted",
                                        "written although it has the same mail server: somebody accepted the risk",
                                    ),
                                ],
                                default="",
                                max_length=10,
                            ),
                        ),
                        (
                            "mailbox",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="targets",
                                to="tenants.mailbox",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="TargetDomain",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=254, unique=True)),
                        (
                            "answer",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "not answered yet"),
                                    ("exchanges", "has mail servers"),
                                    ("address_only", "has no MX record, only an address"),
                                    ("nothing", "has neither MX record nor address"),
                                    ("no_mail", "takes no mail"),
                                    ("no_domain", "does not exist"),
                                ],
                                max_length=20,
                            ),
                        ),
                        (
                            "hosts",
                            models.JSONField(
                                default=list, help_text="Names of its mail servers, the best first."
                            ),
                        ),
                        (
                            "addresses",
                            models.JSONField(default=list, help_text="All addresses of those, sorted."),
                        ),
                        (
                            "dmarc",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "no policy"),
                                    ("none", "none"),
                                    ("quarantine", "quarantine"),
                                    ("reject", "reject"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("wanted_at", models.DateTimeField()),
                        (
                            "looked_up_at",
                            models.DateTimeField(help_text="When the DNS answered last.", null=True),
                        ),
                        (
                            "next_look_at",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        (
                            "claimed_until",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        ("failures", models.PositiveIntegerField(default=0, help_text="In a row.")),
                        (
                            "problem",
                            models.CharField(
                                blank=True, help_text="Why the last look-up gave no answer.", max_length=200
                            ),
                        ),
                        (
                            "review_due",
                            models.PositiveIntegerField(default=0, help_text="How often that was asked for."),
                        ),
                        (
                            "reviewed_to",
                            models.BigIntegerField(
                                default=0, help_text="Addresses up to this id were looked at again."
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                help_text="Who asked first: look-ups are shared out among organizations.",
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="tenants.organization",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="TsigKey",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=253)),
                        (
                            "right",
                            models.CharField(
                                choices=[
                                    ("update", "change records, transfer and notify"),
                                    ("transfer", "transfer the zone and notify"),
                                    ("notify", "notify"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "algorithm",
                            models.CharField(
                                choices=[
                                    ("SHA1", "hmac-sha1"),
                                    ("SHA224", "hmac-sha224"),
                                    ("SHA256", "hmac-sha256"),
                                    ("SHA384", "hmac-sha384"),
                                    ("SHA512", "hmac-sha512"),
                                ],
                                default="SHA256",
                                max_length=10,
                            ),
                        ),
                        ("sealed_secret", models.BinaryField()),
                        (
                            "own",
                            models.BooleanField(default=False, help_text="Rookery's own, for all zones."),
                        ),
                        ("removed", models.BooleanField(default=False)),
                        ("generation", models.BigIntegerField(default=0)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "replaces",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="replaced_by",
                                to="tenants.tsigkey",
                            ),
                        ),
                        (
                            "repository",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="tsig_keys",
                                to="tenants.repository",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="StackSecret",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "holder",
                            models.CharField(
                                help_text="A role, or the repository of an SSH key.", max_length=20
                            ),
                        ),
                        ("name", models.CharField(max_length=40)),
                        ("sealed_value", models.BinaryField()),
                        ("public", models.CharField(blank=True, max_length=1000)),
                        (
                            "stack",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="secrets",
                                to="tenants.stack",
                            ),
                        ),
                        (
                            "key",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="used_in_stacks",
                                to="tenants.tsigkey",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Unikernel",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(help_text="Its label on the host.", max_length=63)),
                        ("memory", models.PositiveIntegerField(default=32, help_text="In MB.")),
                        ("cpuid", models.PositiveSmallIntegerField(default=0)),
                        (
                            "networks",
                            models.JSONField(
                                default=list, help_text="[device of the image, id of a network] each."
                            ),
                        ),
                        (
                            "blocks",
                            models.JSONField(
                                default=list, help_text="[device of the image, label of a volume] each."
                            ),
                        ),
                        (
                            "arguments",
                            models.JSONField(default=list, help_text="With references like {secret:seed}."),
                        ),
                        (
                            "restart_on_exit",
                            models.JSONField(
                                help_text="Null: never. A list of exit codes; an empty one means all that albatross restarts.",
                                null=True,
                            ),
                        ),
                        (
                            "startup",
                            models.PositiveSmallIntegerField(
                                default=50, help_text="Order of start on the host, lower first."
                            ),
                        ),
                        (
                            "add_name",
                            models.BooleanField(
                                default=False,
                                help_text="Albatross puts --name in front of the arguments. Null: not known, as it was taken over.",
                                null=True,
                            ),
                        ),
                        ("running", models.BooleanField(default=True)),
                        ("deleted_at", models.DateTimeField(null=True)),
                        ("generation", models.BigIntegerField(default=0)),
                        (
                            "ended_generation",
                            models.BigIntegerField(
                                default=0, help_text="The wish that ended by itself; else 0."
                            ),
                        ),
                        (
                            "ended_words",
                            models.TextField(blank=True, help_text="What its console said last."),
                        ),
                        ("changed_at", models.DateTimeField()),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "image",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="unikernels",
                                to="tenants.image",
                            ),
                        ),
                        (
                            "share",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="unikernels",
                                to="tenants.hostshare",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Sample",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        (
                            "at",
                            models.DateTimeField(help_text="By our clock: albatross tells no time with it."),
                        ),
                        ("cpu", models.BigIntegerField(help_text="Microseconds, user and system together.")),
                        ("memory", models.BigIntegerField(help_text="Bytes in use.")),
                        ("received", models.BigIntegerField(help_text="Bytes, of all its network devices.")),
                        ("sent", models.BigIntegerField()),
                        ("lasting", models.BooleanField()),
                        (
                            "unikernel",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="samples",
                                to="tenants.unikernel",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="RepositoryReader",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "role",
                            models.CharField(
                                choices=[("submission", "submission"), ("relay", "relay")], max_length=12
                            ),
                        ),
                        ("wanted_commit", models.CharField(blank=True, max_length=64)),
                        (
                            "changed_at",
                            models.DateTimeField(help_text="When the wanted commit was proved.", null=True),
                        ),
                        (
                            "waiting_since",
                            models.DateTimeField(
                                help_text="Since the first change that it has not read.", null=True
                            ),
                        ),
                        (
                            "due_at",
                            models.DateTimeField(help_text="Not before this it is restarted.", null=True),
                        ),
                        ("urgent", models.BooleanField(default=False)),
                        (
                            "held",
                            models.CharField(
                                blank=True, help_text="Why it does not restart although due.", max_length=500
                            ),
                        ),
                        ("sent_commit", models.CharField(blank=True, max_length=64)),
                        (
                            "sent_started",
                            models.DateTimeField(
                                help_text="Its start before, by the host's clock.", null=True
                            ),
                        ),
                        ("read_commit", models.CharField(blank=True, max_length=64)),
                        ("restarted_at", models.DateTimeField(null=True)),
                        (
                            "serving",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("yes", "answers"),
                                    ("no", "does not answer"),
                                    ("not_probed", "not probed"),
                                ],
                                help_text="What was found of its port since.",
                                max_length=12,
                            ),
                        ),
                        (
                            "serving_why",
                            models.CharField(
                                blank=True, help_text="Why it is not known to serve.", max_length=300
                            ),
                        ),
                        (
                            "repository",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="readers",
                                to="tenants.repository",
                            ),
                        ),
                        (
                            "unikernel",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="reads",
                                to="tenants.unikernel",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="HostAddress",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("address", models.GenericIPAddressField(protocol="IPv4")),
                        ("device", models.CharField(blank=True, max_length=67)),
                        (
                            "note",
                            models.CharField(
                                blank=True, help_text="Who has it, when no unikernel does.", max_length=200
                            ),
                        ),
                        (
                            "network",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="addresses",
                                to="tenants.network",
                            ),
                        ),
                        (
                            "unikernel",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="addresses",
                                to="tenants.unikernel",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "host addresses",
                    },
                ),
                migrations.CreateModel(
                    name="ConsoleLine",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("at", models.DateTimeField()),
                        ("text", models.CharField(max_length=600)),
                        (
                            "unikernel",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="lines",
                                to="tenants.unikernel",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="UnikernelExit",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField(help_text="By the host's clock.")),
                        ("code", models.PositiveSmallIntegerField(null=True)),
                        ("signal", models.PositiveSmallIntegerField(null=True)),
                        (
                            "restarted",
                            models.BooleanField(
                                default=False, help_text="Albatross starts it again after this."
                            ),
                        ),
                        (
                            "words",
                            models.CharField(blank=True, help_text="What it said before.", max_length=600),
                        ),
                        (
                            "unikernel",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="exits",
                                to="tenants.unikernel",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="UnikernelSecret",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=40)),
                        ("sealed_value", models.BinaryField()),
                        (
                            "unikernel",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="secrets",
                                to="tenants.unikernel",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="UnikernelWatch",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("running", models.BooleanField(default=False)),
                        (
                            "started_at",
                            models.DateTimeField(help_text="When its last known life began.", null=True),
                        ),
                        ("looked_at", models.DateTimeField(null=True)),
                        (
                            "skipped",
                            models.PositiveBigIntegerField(
                                default=0, help_text="Lines that came too fast to be kept, all told."
                            ),
                        ),
                        (
                            "told_at",
                            models.DateTimeField(
                                help_text="When people were last told of an end.", null=True
                            ),
                        ),
                        (
                            "unikernel",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="watch",
                                to="tenants.unikernel",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "unikernel watches",
                    },
                ),
                migrations.CreateModel(
                    name="UpdateServer",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(help_text="What people call it.", max_length=63)),
                        ("address", models.GenericIPAddressField()),
                        ("port", models.PositiveIntegerField(default=53)),
                        (
                            "key_name",
                            models.CharField(help_text="In full, without its last dot.", max_length=253),
                        ),
                        (
                            "algorithm",
                            models.CharField(
                                choices=[
                                    ("SHA1", "hmac-sha1"),
                                    ("SHA224", "hmac-sha224"),
                                    ("SHA256", "hmac-sha256"),
                                    ("SHA384", "hmac-sha384"),
                                    ("SHA512", "hmac-sha512"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("sealed_secret", models.BinaryField()),
                        ("key_since", models.DateTimeField(help_text="When this key was given to Rookery.")),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="update_servers",
                                to="tenants.organization",
                            ),
                        ),
                    ],
                ),
                migrations.AddField(
                    model_name="synctarget",
                    name="update_server",
                    field=models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sync_target",
                        to="tenants.updateserver",
                    ),
                ),
                migrations.CreateModel(
                    name="Upgrade",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("going", "on its way"),
                                    ("returning", "being rolled back"),
                                    ("done", "done"),
                                    ("returned", "rolled back"),
                                ],
                                default="going",
                                max_length=10,
                            ),
                        ),
                        (
                            "reason",
                            models.CharField(blank=True, help_text="Why it goes back.", max_length=1000),
                        ),
                        (
                            "tries",
                            models.PositiveSmallIntegerField(
                                default=0,
                                help_text="How often somebody asked for it to go back, or to go on with that.",
                            ),
                        ),
                        ("began_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(null=True)),
                        (
                            "after",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="upgrade",
                                to="tenants.release",
                            ),
                        ),
                        (
                            "before",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="left_by",
                                to="tenants.release",
                            ),
                        ),
                        (
                            "stack",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="upgrades",
                                to="tenants.stack",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["pk"],
                    },
                ),
                migrations.CreateModel(
                    name="UpgradePhase",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=20)),
                        ("position", models.PositiveSmallIntegerField()),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("pending", "not begun"),
                                    ("doing", "at it"),
                                    ("proved", "proved"),
                                    ("failed", "failed"),
                                    ("leaving", "being taken back"),
                                    ("gone", "taken back"),
                                ],
                                default="pending",
                                max_length=10,
                            ),
                        ),
                        ("reason", models.CharField(blank=True, max_length=1000)),
                        ("proof", models.JSONField(default=dict)),
                        ("began_at", models.DateTimeField(null=True)),
                        (
                            "ended_at",
                            models.DateTimeField(
                                help_text="When it was proved, failed or taken back.", null=True
                            ),
                        ),
                        (
                            "tries",
                            models.PositiveSmallIntegerField(
                                default=0, help_text="How often somebody asked for it again."
                            ),
                        ),
                        (
                            "upgrade",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="phases",
                                to="tenants.upgrade",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["position"],
                    },
                ),
                migrations.CreateModel(
                    name="Volume",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("label", models.CharField(max_length=63)),
                        ("size", models.PositiveIntegerField(help_text="In MB.")),
                        ("deleted_at", models.DateTimeField(null=True)),
                        (
                            "generation",
                            models.BigIntegerField(
                                default=0, help_text="Its sync target's when it was changed last."
                            ),
                        ),
                        (
                            "share",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="volumes",
                                to="tenants.hostshare",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Webhook",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100)),
                        ("url", models.CharField(max_length=1000)),
                        (
                            "types",
                            models.JSONField(
                                default=list, help_text="Of events, or sets such as mailbox.*; empty: all."
                            ),
                        ),
                        ("sealed_secret", models.BinaryField()),
                        ("sealed_former_secret", models.BinaryField(null=True)),
                        (
                            "former_until",
                            models.DateTimeField(
                                help_text="Until then the former secret signs, too.", null=True
                            ),
                        ),
                        ("enabled", models.BooleanField(default=True)),
                        (
                            "stopped",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "on"),
                                    ("person", "switched off"),
                                    ("gone", "its server said that it is gone (410)"),
                                    ("failing", "it failed for days"),
                                    ("full", "too much waited for it"),
                                ],
                                default="",
                                max_length=10,
                            ),
                        ),
                        (
                            "failures",
                            models.PositiveIntegerField(
                                default=0, help_text="Tries that failed since one succeeded."
                            ),
                        ),
                        ("failing_since", models.DateTimeField(null=True)),
                        ("succeeded_at", models.DateTimeField(null=True)),
                        (
                            "next_try_at",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        (
                            "claimed_until",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "created_by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="webhooks",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "domain",
                            models.ForeignKey(
                                help_text="Only events of this domain are told; empty: all of the organization.",
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="webhooks",
                                to="tenants.domain",
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="webhooks",
                                to="tenants.organization",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="WebhookDelivery",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "message_id",
                            models.CharField(help_text="The same for every try.", max_length=40, unique=True),
                        ),
                        (
                            "event",
                            models.BigIntegerField(
                                help_text="The id of the event; none for a test.", null=True
                            ),
                        ),
                        ("type", models.CharField(max_length=130)),
                        ("body", models.TextField()),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("waiting", "on its way"),
                                    ("delivered", "delivered"),
                                    ("failed", "not delivered"),
                                ],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        (
                            "tries",
                            models.PositiveIntegerField(default=0, help_text="Since it was last asked for."),
                        ),
                        ("problem", models.CharField(blank=True, max_length=300)),
                        ("next_try_at", models.DateTimeField()),
                        ("created_at", models.DateTimeField()),
                        ("finished_at", models.DateTimeField(null=True)),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="webhook_deliveries",
                                to="tenants.organization",
                            ),
                        ),
                        (
                            "webhook",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="deliveries",
                                to="tenants.webhook",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="WebhookAttempt",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("headers", models.JSONField(default=dict, help_text="Of the request.")),
                        (
                            "status",
                            models.PositiveIntegerField(
                                help_text="Of the answer; none where none came.", null=True
                            ),
                        ),
                        ("answer_headers", models.TextField(blank=True)),
                        ("answer", models.TextField(blank=True)),
                        ("milliseconds", models.PositiveIntegerField()),
                        ("problem", models.CharField(blank=True, max_length=300)),
                        (
                            "delivery",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="attempts",
                                to="tenants.webhookdelivery",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Zone",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "first_server",
                            models.CharField(help_text="The SOA's first name server.", max_length=253),
                        ),
                        (
                            "contact",
                            models.CharField(help_text="A mail address; the SOA's mailbox.", max_length=254),
                        ),
                        ("refresh", models.PositiveIntegerField(default=86400)),
                        ("retry", models.PositiveIntegerField(default=7200)),
                        ("expire", models.PositiveIntegerField(default=1048576)),
                        (
                            "minimum",
                            models.PositiveIntegerField(
                                default=3600, help_text="Also the usual TTL. All in seconds."
                            ),
                        ),
                        ("serial", models.BigIntegerField(default=0)),
                        (
                            "frozen",
                            models.BooleanField(default=False, help_text="Rookery writes nothing into it."),
                        ),
                        (
                            "standing",
                            models.CharField(
                                choices=[
                                    ("kept", "kept by Rookery"),
                                    ("returning", "being brought back"),
                                    ("removing", "being removed"),
                                    ("removed", "removed"),
                                    ("let_go", "let go: as it is outside"),
                                ],
                                default="kept",
                                help_text="The rows of a zone that was removed or let go stay, so that it can be brought back.",
                                max_length=10,
                            ),
                        ),
                        (
                            "ended_at",
                            models.DateTimeField(
                                blank=True, help_text="When somebody removed it or let it go.", null=True
                            ),
                        ),
                        (
                            "challenge",
                            models.CharField(
                                help_text="What a TXT record has to say to prove ownership.", max_length=64
                            ),
                        ),
                        ("owned_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "owned_by",
                            models.CharField(
                                blank=True,
                                choices=[("text", "a TXT record"), ("delegation", "its delegation")],
                                max_length=10,
                            ),
                        ),
                        (
                            "next_look_at",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc),
                                help_text="When ownership is looked for again.",
                            ),
                        ),
                        ("look_problem", models.CharField(blank=True, max_length=200)),
                        ("looks", models.PositiveIntegerField(default=0)),
                        (
                            "served_serial",
                            models.BigIntegerField(
                                blank=True, help_text="What the primary last said.", null=True
                            ),
                        ),
                        ("served_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "certificates_due_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="When its certificates are looked at; never while nothing changes.",
                                null=True,
                            ),
                        ),
                        (
                            "dropped",
                            models.CharField(
                                blank=True,
                                help_text="Identifies content that the primary dropped; never sent again.",
                                max_length=64,
                            ),
                        ),
                        (
                            "servers_look_at",
                            models.DateTimeField(
                                default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc),
                                help_text="When its name servers are asked again what they have.",
                            ),
                        ),
                        ("generation", models.BigIntegerField(default=0)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("changed_at", models.DateTimeField()),
                        (
                            "domain",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="zone",
                                to="tenants.domain",
                            ),
                        ),
                        (
                            "target",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="zones",
                                to="tenants.synctarget",
                            ),
                        ),
                    ],
                ),
                migrations.AddField(
                    model_name="tsigkey",
                    name="zone",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tsig_keys",
                        to="tenants.zone",
                    ),
                ),
                migrations.CreateModel(
                    name="ServerAnswer",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("host", models.CharField(blank=True, max_length=253)),
                        ("address", models.GenericIPAddressField()),
                        ("primary", models.BooleanField(default=False)),
                        (
                            "agreement",
                            models.CharField(
                                choices=[
                                    ("agrees", "agrees"),
                                    ("behind", "behind"),
                                    ("ahead", "ahead"),
                                    ("silent", "silent"),
                                    ("not_authoritative", "not_authoritative"),
                                ],
                                max_length=20,
                            ),
                        ),
                        ("serial", models.BigIntegerField(null=True)),
                        ("behind", models.BigIntegerField(default=0)),
                        ("problem", models.CharField(blank=True, max_length=200)),
                        ("since", models.DateTimeField()),
                        ("apart_since", models.DateTimeField(null=True)),
                        ("asked_at", models.DateTimeField()),
                        (
                            "zone",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="server_answers",
                                to="tenants.zone",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="SecondaryServer",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("host", models.CharField(max_length=253)),
                        ("address", models.GenericIPAddressField()),
                        (
                            "transfer",
                            models.CharField(
                                choices=[
                                    ("key", "with a key"),
                                    ("open", "without a key (the primary runs with --axfr)"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "key",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="secondary",
                                to="tenants.tsigkey",
                            ),
                        ),
                        (
                            "zone",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="secondaries",
                                to="tenants.zone",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="RecordSet",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "owner",
                            models.CharField(help_text="The full name without its last dot.", max_length=253),
                        ),
                        ("type", models.CharField(max_length=10)),
                        ("ttl", models.BigIntegerField()),
                        (
                            "data",
                            models.JSONField(
                                default=list,
                                help_text="Each record as in the primary's files, names in full.",
                            ),
                        ),
                        ("digest", models.CharField(help_text="Identifies TTL and data.", max_length=64)),
                        (
                            "holder",
                            models.CharField(
                                choices=[
                                    ("managed", "written by Rookery"),
                                    ("frozen", "frozen: left as it is"),
                                    ("external", "written by others"),
                                ],
                                default="managed",
                                max_length=10,
                            ),
                        ),
                        ("absent", models.BooleanField(default=False)),
                        ("proved", models.CharField(blank=True, max_length=64)),
                        ("generation", models.BigIntegerField(default=0)),
                        ("changed_at", models.DateTimeField()),
                        (
                            "zone",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="record_sets",
                                to="tenants.zone",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="CertificateUse",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("host", models.CharField(max_length=253)),
                        (
                            "mode",
                            models.CharField(
                                choices=[
                                    ("proposed", "when somebody says so"),
                                    ("automatic", "by itself"),
                                    ("off", "not linked"),
                                ],
                                default="proposed",
                                max_length=10,
                            ),
                        ),
                        (
                            "wanted",
                            models.CharField(
                                blank=True, help_text="SHA-256, hex; empty until there is one.", max_length=64
                            ),
                        ),
                        (
                            "taken",
                            models.CharField(
                                blank=True, help_text="The same of the one that it has.", max_length=64
                            ),
                        ),
                        (
                            "changed_at",
                            models.DateTimeField(help_text="When the renewed one was found.", null=True),
                        ),
                        (
                            "due_at",
                            models.DateTimeField(help_text="Not before this it is restarted.", null=True),
                        ),
                        ("started", models.DateTimeField(null=True)),
                        ("restarted_at", models.DateTimeField(null=True)),
                        (
                            "held",
                            models.CharField(
                                blank=True, help_text="Why it does not restart although due.", max_length=500
                            ),
                        ),
                        (
                            "unikernel",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="certificate_use",
                                to="tenants.unikernel",
                            ),
                        ),
                        (
                            "zone",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="certificate_uses",
                                to="tenants.zone",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Certificate",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("host", models.CharField(max_length=253)),
                        (
                            "standing",
                            models.CharField(
                                choices=[
                                    ("valid", "valid"),
                                    ("pending", "asked for"),
                                    ("renewal due", "renewal due"),
                                    ("nothing asks for its renewal", "nothing asks for its renewal"),
                                    ("does not fit its request", "does not fit its request"),
                                    ("not valid yet", "not valid yet"),
                                    ("expired", "expired"),
                                    ("stuck", "stuck"),
                                    ("unreadable", "unreadable"),
                                ],
                                max_length=30,
                            ),
                        ),
                        ("since", models.DateTimeField()),
                        ("sentence", models.TextField()),
                        ("fix", models.TextField(blank=True)),
                        ("names", models.JSONField(default=list)),
                        ("valid_from", models.DateTimeField(null=True)),
                        ("valid_until", models.DateTimeField(null=True)),
                        ("issuer", models.CharField(blank=True, max_length=200)),
                        ("staging", models.BooleanField(default=False)),
                        (
                            "fingerprint",
                            models.CharField(
                                blank=True, help_text="SHA-256 of the certificate, hex.", max_length=64
                            ),
                        ),
                        ("worries", models.BooleanField(default=False)),
                        ("looked_at", models.DateTimeField()),
                        (
                            "zone",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="certificates",
                                to="tenants.zone",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="AliasRules",
                    fields=[
                        (
                            "domain",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="alias_rules",
                                serialize=False,
                                to="tenants.domain",
                            ),
                        ),
                        (
                            "pattern",
                            models.CharField(
                                help_text="{own} is the person's name; * any other characters.", max_length=64
                            ),
                        ),
                        (
                            "most_each",
                            models.PositiveIntegerField(
                                help_text="Aliases per person, those in the trash not counted."
                            ),
                        ),
                        (
                            "longest_days",
                            models.PositiveIntegerField(
                                blank=True,
                                help_text="After so many days an alias ends unless extended; empty: never.",
                                null=True,
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "alias rules",
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("pattern", ""), _negated=True),
                                name="alias_rules_have_a_pattern",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("most_each__range", (1, 1000))),
                                name="alias_rules_have_a_count",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("longest_days__isnull", True),
                                    ("longest_days__range", (1, 3650)),
                                    _connector="OR",
                                ),
                                name="alias_rules_have_a_lifetime",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RequestRules",
                    fields=[
                        (
                            "domain",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="request_rules",
                                serialize=False,
                                to="tenants.domain",
                            ),
                        ),
                        (
                            "pattern",
                            models.CharField(
                                blank=True, help_text="* and ? stand for others; empty: any.", max_length=64
                            ),
                        ),
                        (
                            "mail_domains",
                            models.JSONField(
                                default=list, help_text="Where the mail may go; empty: anywhere."
                            ),
                        ),
                        (
                            "most",
                            models.PositiveIntegerField(
                                default=20, help_text="How many addresses are given by the rule."
                            ),
                        ),
                        (
                            "most_each",
                            models.PositiveIntegerField(
                                default=1, help_text="How many of them to the same target."
                            ),
                        ),
                        ("given", models.PositiveIntegerField(default=0)),
                        (
                            "decide_within_days",
                            models.PositiveIntegerField(
                                default=30,
                                help_text="Then a waiting request lapses; never when empty.",
                                null=True,
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "request rules",
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("decide_within_days__isnull", True),
                                    ("decide_within_days__gte", 1),
                                    _connector="OR",
                                ),
                                name="deciders_have_a_day_at_least",
                            )
                        ],
                    },
                ),
                migrations.AddIndex(
                    model_name="addressimport",
                    index=models.Index(fields=["expires_at"], name="tenants_add_expires_053e07_idx"),
                ),
                migrations.AddIndex(
                    model_name="canaryoutage",
                    index=models.Index(fields=["canary", "-began_at"], name="tenants_can_canary__ef098e_idx"),
                ),
                migrations.AddConstraint(
                    model_name="canaryoutage",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("way__in", ("in", "out"))), name="canary_outage_way_is_a_choice"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="canaryoutage",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("part__in", ("dial", "banner", "tls", "auth", "accepted", "arrived"))
                        ),
                        name="canary_outage_part_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="canaryoutage",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("canary", "way"),
                        name="canary_fails_once_at_a_time",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="canaryspan",
                    constraint=models.UniqueConstraint(
                        fields=("canary", "way", "length", "begins_at"), name="canary_span_begins_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="canaryspan",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("way__in", ("in", "out"))), name="canary_span_way_is_a_choice"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="canaryspan",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("length__in", ("hour", "day"))),
                        name="canary_span_length_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="canaryspan",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("failed__gte", 0), ("proved__gte", 0)),
                        name="canary_span_counts_no_time_backwards",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="canaryway",
                    constraint=models.UniqueConstraint(
                        fields=("canary", "way"), name="canary_goes_each_way_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="canaryway",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("way__in", ("in", "out"))), name="canary_way_way_is_a_choice"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="canaryway",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("standing__in", ("new", "works", "failing"))),
                        name="canary_way_standing_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="decisionlink",
                    index=models.Index(fields=["expires_at"], name="tenants_dec_expires_9643ed_idx"),
                ),
                migrations.AddConstraint(
                    model_name="decisionlink",
                    constraint=models.UniqueConstraint(
                        fields=("request", "account"), name="newest_mail_has_the_decision_link"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="domainrole",
                    constraint=models.UniqueConstraint(
                        fields=("domain", "account", "role"), name="role_on_a_domain_is_had_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="domainrole",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("role__in", ("decider", "postmaster", "zone-keeper", "observer"))
                        ),
                        name="domainrole_role_is_a_choice",
                    ),
                ),
                migrations.AddField(
                    model_name="formerpassphrase",
                    name="mailbox",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="former_passphrases",
                        to="tenants.mailbox",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="firewallrule",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("kind__in", ("dnat", "snat", "masquerade", "forward", "input"))),
                        name="firewall_rule_kind_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="firewallrule",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("verdict__in", ("", "accept", "drop", "reject"))),
                        name="firewall_rule_verdict_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="firewallrule",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("port__range", (0, 65535)), ("to_port__range", (0, 65535))),
                        name="firewall_rule_has_possible_ports",
                    ),
                ),
                migrations.AddIndex(
                    model_name="heldname",
                    index=models.Index(fields=["domain", "-id"], name="tenants_hel_domain__617b65_idx"),
                ),
                migrations.AddConstraint(
                    model_name="heldname",
                    constraint=models.UniqueConstraint(
                        fields=("domain", "local_part", "kind"), name="name_is_held_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="heldname",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("local_part", django.db.models.functions.text.Lower("local_part")),
                            models.Q(("local_part", ""), _negated=True),
                        ),
                        name="held_name_is_in_lower_case",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="heldname",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("kind__in", ("reserved", "never"))),
                        name="held_name_kind_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="hostpreparation",
                    index=models.Index(
                        condition=models.Q(("asked", ""), _negated=True),
                        fields=["claimed_until"],
                        name="prepare_these",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="hostpreparation",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("asked__in", ("", "look", "prepare"))),
                        name="host_preparation_asked_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="hostpreparation",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("state__in", ("unknown", "ready", "todo", "by_hand", "failed"))),
                        name="host_preparation_state_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="hostpreparation",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("username", ""), _negated=True), name="preparation_has_an_account"
                    ),
                ),
                migrations.AddIndex(
                    model_name="importrow",
                    index=models.Index(
                        fields=["of_import", "verdict", "place"], name="tenants_imp_of_impo_8ef7f2_idx"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="importrow",
                    constraint=models.UniqueConstraint(fields=("of_import", "place"), name="import_row_once"),
                ),
                migrations.AddConstraint(
                    model_name="importrow",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("verdict__in", ("create", "change", "unchanged", "refused"))),
                        name="import_row_verdict_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="invitation",
                    index=models.Index(fields=["domain", "-id"], name="tenants_inv_domain__8da54f_idx"),
                ),
                migrations.AddConstraint(
                    model_name="invitation",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("uses__gte", 1), ("uses_left__lte", models.F("uses"))),
                        name="invitation_keeps_its_uses",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="invitation",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("local_part", ""), ("uses", 1), _connector="OR"),
                        name="invitation_to_one_address_is_for_one",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        fields=["domain", "generation", "id"], name="tenants_mai_domain__1156d2_idx"
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(("trashed_at__isnull", True)),
                        fields=["domain", "local_part"],
                        name="addresses_used",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(("trashed_at__isnull", False)),
                        fields=["domain", "local_part"],
                        name="addresses_in_the_trash",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(("trashed_at__isnull", True), ("enabled", False)),
                        fields=["domain", "local_part"],
                        name="addresses_off",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(
                            ("trashed_at__isnull", True), ("enabled", True), ("reached", False)
                        ),
                        fields=["domain", "local_part"],
                        name="addresses_unconfirmed",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(("trashed_at__isnull", True), ("expires_at__isnull", False)),
                        fields=["domain", "local_part"],
                        name="addresses_ending",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(("made_for__isnull", False)),
                        fields=["made_for"],
                        name="addresses_made_for",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(("trashed_at__isnull", True), ("made_for__isnull", False)),
                        fields=["domain"],
                        name="addresses_that_people_made",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(("trashed_at__isnull", True)),
                        fields=["domain", "kind", "local_part"],
                        name="addresses_by_kind",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        fields=["domain", "changed_at", "id"], name="tenants_mai_domain__e61706_idx"
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(fields=["local_part", "id"], name="tenants_mai_local_p_b9e8c5_idx"),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(("expires_at__isnull", False), ("trashed_at", None)),
                        fields=["expires_at"],
                        name="mailbox_that_ends",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(
                            ("expires_at__isnull", False), ("expiry_told_at", None), ("trashed_at", None)
                        ),
                        fields=["expires_at"],
                        name="mailbox_to_remind_of",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(("trashed_at__isnull", False)),
                        fields=["trash_look_at"],
                        name="trash_by_its_next_look",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(("trashed_at__isnull", False)),
                        fields=["domain", "-id"],
                        name="trash_of_a_domain",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(("likeness", ""), _negated=True),
                        fields=["likeness"],
                        name="mailbox_by_likeness",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailbox",
                    index=models.Index(
                        condition=models.Q(("likened_at__lt", models.F("changed_at"))),
                        fields=["changed_at"],
                        name="mailbox_not_likened",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="mailbox",
                    constraint=models.UniqueConstraint(
                        fields=("domain", "local_part"), name="address_exists_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="mailbox",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "mailbox"), ("sealed_hash__isnull", False)),
                            models.Q(("kind", "alias"), ("sealed_hash__isnull", True)),
                            _connector="OR",
                        ),
                        name="mailbox_has_a_passphrase_and_alias_none",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="mailbox",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("local_part", django.db.models.functions.text.Lower("local_part")),
                            models.Q(("local_part", ""), _negated=True),
                        ),
                        name="address_is_in_lower_case",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="mailbox",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("made_for", None), ("kind", "alias"), _connector="OR"),
                        name="only_aliases_are_made_for_a_mailbox",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="holding",
                    constraint=models.UniqueConstraint(
                        fields=("mailbox", "account"), name="person_holds_an_address_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="delivery",
                    constraint=models.UniqueConstraint(
                        fields=("alias", "mailbox"), name="alias_delivers_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="delivery",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("alias", models.F("mailbox")), _negated=True),
                        name="alias_does_not_deliver_to_itself",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="addresswarning",
                    constraint=models.UniqueConstraint(
                        fields=("mailbox", "kind"), name="one_warning_of_a_kind_per_address"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="addresswarning",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("kind__in", ("shared-exchange", "loop", "reused-passphrase"))),
                        name="address_warning_kind_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="addressrequest",
                    index=models.Index(
                        fields=["domain", "status", "-id"], name="tenants_add_domain__c454f4_idx"
                    ),
                ),
                migrations.AddIndex(
                    model_name="addressrequest",
                    index=models.Index(fields=["status", "-id"], name="tenants_add_status_354bcb_idx"),
                ),
                migrations.AddIndex(
                    model_name="addressrequest",
                    index=models.Index(fields=["status", "asked_at"], name="tenants_add_status_030024_idx"),
                ),
                migrations.AddIndex(
                    model_name="addressrequest",
                    index=models.Index(
                        condition=models.Q(("status", "confirmed")),
                        fields=["domain", "confirmed_at", "id"],
                        name="requests_that_wait",
                    ),
                ),
                migrations.AddIndex(
                    model_name="addressrequest",
                    index=models.Index(
                        condition=models.Q(("status", "confirmed")),
                        fields=["confirmed_at", "id"],
                        name="all_requests_that_wait",
                    ),
                ),
                migrations.AddIndex(
                    model_name="addressrequest",
                    index=models.Index(fields=["domain", "-id"], name="tenants_add_domain__5e0795_idx"),
                ),
                migrations.AddIndex(
                    model_name="addressrequest",
                    index=models.Index(
                        fields=["domain", "local_part"], name="tenants_add_domain__917687_idx"
                    ),
                ),
                migrations.AddIndex(
                    model_name="addressrequest",
                    index=models.Index(fields=["domain", "target"], name="tenants_add_domain__d1650d_idx"),
                ),
                migrations.AddIndex(
                    model_name="addressrequest",
                    index=models.Index(fields=["local_part"], name="tenants_add_local_p_88a2ef_idx"),
                ),
                migrations.AddIndex(
                    model_name="addressrequest",
                    index=models.Index(fields=["target"], name="tenants_add_target_d5ba50_idx"),
                ),
                migrations.AddIndex(
                    model_name="addressrequest",
                    index=models.Index(fields=["status", "remind_at"], name="tenants_add_status_afd141_idx"),
                ),
                migrations.AddIndex(
                    model_name="addressrequest",
                    index=models.Index(fields=["status", "decide_by"], name="tenants_add_status_9c3024_idx"),
                ),
                migrations.AddIndex(
                    model_name="addressrequest",
                    index=models.Index(fields=["domain", "given_to"], name="tenants_add_domain__80ec0b_idx"),
                ),
                migrations.AddConstraint(
                    model_name="addressrequest",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                (
                                    "asked",
                                    "confirmed",
                                    "taken",
                                    "approved",
                                    "refused",
                                    "lapsed",
                                    "withdrawn",
                                    "expired",
                                ),
                            )
                        ),
                        name="request_status_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="addressrequest",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ("asked", "confirmed")),
                            ("sealed_hash__isnull", True),
                            _connector="OR",
                        ),
                        name="ended_request_has_no_passphrase",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="addressrequest",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("confirmed_at__isnull", True), ("status__in", ["asked", "expired"])),
                            models.Q(
                                ("confirmed_at__isnull", False),
                                ("status__in", ["confirmed", "taken", "approved", "refused", "lapsed"]),
                            ),
                            ("status", "withdrawn"),
                            _connector="OR",
                        ),
                        name="request_is_confirmed_before_it_is_decided",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="addressrequest",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at__isnull", False),
                                ("status__in", ("approved", "refused", "lapsed", "withdrawn", "expired")),
                            ),
                            models.Q(
                                models.Q(
                                    ("status__in", ("approved", "refused", "lapsed", "withdrawn", "expired")),
                                    _negated=True,
                                ),
                                ("decided_at__isnull", True),
                                ("decided_by__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="request_has_a_time_when_it_ended",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="addressrequest",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "refused"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="refused_request_has_a_reason",
                    ),
                ),
                migrations.AddIndex(
                    model_name="mailcheck",
                    index=models.Index(fields=["next_look_at"], name="tenants_mai_next_lo_bf892d_idx"),
                ),
                migrations.AddConstraint(
                    model_name="checkmute",
                    constraint=models.UniqueConstraint(
                        fields=("check_of", "line"), name="line_is_muted_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="checkmute",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("line", ""), _negated=True), name="mute_names_its_line"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="checkmute",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="mute_has_a_reason"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="checkline",
                    constraint=models.UniqueConstraint(
                        fields=("check_of", "line"), name="line_of_checks_is_there_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="checkline",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("line", ""), _negated=True), name="line_of_checks_has_a_name"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="checkline",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("level__in", ("ok", "info", "recommended", "waiting", "unknown", "warn", "fail"))
                        ),
                        name="check_line_level_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="checkline",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            (
                                "told__in",
                                ("", "ok", "info", "recommended", "waiting", "unknown", "warn", "fail"),
                            )
                        ),
                        name="check_line_told_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="checkline",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("level", "waiting"), ("until__isnull", False)),
                            models.Q(models.Q(("level", "waiting"), _negated=True), ("until", None)),
                            _connector="OR",
                        ),
                        name="only_what_is_on_its_way_has_a_time",
                    ),
                ),
                migrations.AddIndex(
                    model_name="checkchange",
                    index=models.Index(fields=["check_of", "-at"], name="tenants_che_check_o_58123c_idx"),
                ),
                migrations.AddConstraint(
                    model_name="checkchange",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            (
                                "before__in",
                                ("", "ok", "info", "recommended", "waiting", "unknown", "warn", "fail"),
                            )
                        ),
                        name="check_change_before_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="checkchange",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            (
                                "after__in",
                                ("", "ok", "info", "recommended", "waiting", "unknown", "warn", "fail"),
                            )
                        ),
                        name="check_change_after_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="network",
                    constraint=models.UniqueConstraint(fields=("host", "bridge"), name="bridge_given_once"),
                ),
                migrations.AddConstraint(
                    model_name="network",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("bridge", ""), _negated=True), name="network_has_a_bridge"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="noticechoice",
                    constraint=models.UniqueConstraint(
                        fields=("account", "kind"), name="kind_of_notice_is_chosen_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="noticechoice",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("delivery__in", ("at_once", "daily", "weekly", "panel", "off"))),
                        name="notice_choice_delivery_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="notice",
                    index=models.Index(fields=["account", "-id"], name="tenants_not_account_1ddc29_idx"),
                ),
                migrations.AddIndex(
                    model_name="notice",
                    index=models.Index(
                        condition=models.Q(("read_at__isnull", True)),
                        fields=["account"],
                        name="notice_is_unread",
                    ),
                ),
                migrations.AddIndex(
                    model_name="notice",
                    index=models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="notice_is_due"
                    ),
                ),
                migrations.AddIndex(
                    model_name="notice",
                    index=models.Index(fields=["at"], name="tenants_not_at_b31e1f_idx"),
                ),
                migrations.AddConstraint(
                    model_name="membership",
                    constraint=models.UniqueConstraint(
                        fields=("organization", "account"), name="one_membership_per_person"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="membership",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("role__in", ("owner", "manager", "viewer"))),
                        name="membership_role_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="imagefetch",
                    index=models.Index(
                        fields=["state", "claimed_until"], name="tenants_ima_state_d6706c_idx"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="imagefetch",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("state__in", ("waiting", "running", "done", "failed"))),
                        name="image_fetch_state_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="imagefeed",
                    index=models.Index(fields=["next_look_at"], name="tenants_ima_next_lo_044241_idx"),
                ),
                migrations.AddConstraint(
                    model_name="imagefeed",
                    constraint=models.UniqueConstraint(
                        fields=("organization", "server", "job", "platform"), name="job_is_watched_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="imagefeed",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("server", django.db.models.functions.text.Lower("server")),
                            models.Q(("server", ""), _negated=True),
                        ),
                        name="image_feed_has_a_small_server",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="imagefeed",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("nothing", "proposed", "taken", "ignored", "there"))
                        ),
                        name="image_feed_state_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="image",
                    constraint=models.UniqueConstraint(
                        fields=("organization", "sha256"), name="image_uploaded_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="image",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="image_has_a_name"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="image",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            (
                                "role__in",
                                (
                                    "other",
                                    "submission",
                                    "relay",
                                    "signer",
                                    "verifier",
                                    "spamfilter",
                                    "primary_dns",
                                    "secondary_dns",
                                    "certificates",
                                    "resolver",
                                ),
                            )
                        ),
                        name="image_role_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="hostshare",
                    constraint=models.UniqueConstraint(
                        fields=("host", "organization"), name="host_shared_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="hostshare",
                    constraint=models.UniqueConstraint(fields=("host", "path"), name="path_given_once"),
                ),
                migrations.AddConstraint(
                    model_name="hostshare",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("most_unikernels__gte", 1), ("memory__gte", 1)),
                        name="share_has_room",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="host",
                    constraint=models.UniqueConstraint(
                        fields=("organization", "name"), name="host_named_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="host",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("port__range", (1, 65535))), name="host_has_a_port"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="host",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("transport", "local"),
                            models.Q(models.Q(("host", ""), _negated=True), ("sealed_key__isnull", False)),
                            _connector="OR",
                        ),
                        name="host_can_be_reached",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="host",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="host_has_a_name"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="host",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("transport__in", ("local", "ssh", "tls"))),
                        name="host_transport_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="export",
                    index=models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["claimed_until"],
                        name="exports_to_make",
                    ),
                ),
                migrations.AddIndex(
                    model_name="export",
                    index=models.Index(fields=["expires_at"], name="tenants_exp_expires_ea2043_idx"),
                ),
                migrations.AddConstraint(
                    model_name="export",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("waiting", "ready", "fetched", "expired", "replaced", "failed"))
                        ),
                        name="export_state_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="export",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("state__in", ("waiting", "ready"))),
                        fields=("domain",),
                        name="one_open_export_of_a_domain",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="export",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("domain", None), ("state__in", ("waiting", "ready"))),
                        fields=("organization",),
                        name="one_open_export_of_an_organization",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="export",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("archive__isnull", False), ("state", "ready")),
                            models.Q(models.Q(("state", "ready"), _negated=True), ("archive", None)),
                            _connector="OR",
                        ),
                        name="an_archive_is_there_only_to_be_fetched",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="export",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("domain", None), ("public_key__isnull", False), _connector="OR"),
                        name="an_export_of_a_domain_is_sealed",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="domain",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("trash_days__range", (1, 366))),
                        name="trash_is_kept_for_a_day_to_a_year",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="domain",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("name", django.db.models.functions.text.Lower("name")),
                            models.Q(("name", ""), _negated=True),
                        ),
                        name="domain_is_in_lower_case",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="domain",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("requests__in", ("closed", "invitation", "moderated", "automatic"))
                        ),
                        name="domain_requests_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="apitoken",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="token_has_a_name"
                    ),
                ),
                migrations.AddIndex(
                    model_name="organizationimport",
                    index=models.Index(fields=["expires_at"], name="tenants_org_expires_df735f_idx"),
                ),
                migrations.AddConstraint(
                    model_name="passkey",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="passkey_has_a_name"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="publicaddress",
                    constraint=models.UniqueConstraint(
                        fields=("host", "address"), name="public_address_given_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="recoverycode",
                    constraint=models.UniqueConstraint(
                        fields=("account", "digest"), name="recovery_code_once_per_account"
                    ),
                ),
                migrations.AddIndex(
                    model_name="canaryround",
                    index=models.Index(fields=["canary", "-began_at"], name="tenants_can_canary__69619c_idx"),
                ),
                migrations.AddConstraint(
                    model_name="canaryround",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("way__in", ("in", "out"))), name="canary_round_way_is_a_choice"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="canaryround",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("verdict__in", ("asked", "waiting", "proved", "failed", "unknown"))
                        ),
                        name="canary_round_verdict_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="canaryround",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("failed__in", ("", "dial", "banner", "tls", "auth", "accepted", "arrived"))
                        ),
                        name="canary_round_failed_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="canaryround",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("tag", ""), _negated=True), name="canary_round_has_a_tag"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="repository",
                    constraint=models.UniqueConstraint(
                        fields=("host", "port", "path", "branch"), name="branch_connected_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="repository",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("port__range", (1, 65535))), name="repository_has_a_port"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="repository",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("host", ""), _negated=True), name="repository_has_a_host"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="repository",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("path", ""), _negated=True), name="repository_has_a_path"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="repository",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("kind__in", ("relay", "zone"))),
                        name="repository_kind_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="repository",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("domain__isnull", False), ("kind", "relay")),
                            models.Q(("domain", None), ("kind", "zone")),
                            _connector="OR",
                        ),
                        name="a_relay_holds_one_domain_and_zones_are_many",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="repository",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("reload__in", ("hand", "sandbox"))),
                        name="repository_reload_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="repository",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("restart_quiet__lte", 600), ("restart_apart__range", (30, 86400))
                        ),
                        name="repository_has_a_pace",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="primaryserver",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("port__range", (1, 65535))), name="primary_has_a_port"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="primaryserver",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("grammar__in", ("new", "old"))),
                        name="primary_server_grammar_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="hostsetup",
                    index=models.Index(
                        condition=models.Q(("asked", ""), _negated=True),
                        fields=["claimed_until"],
                        name="setups_to_serve",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="hostsetup",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("asked__in", ("", "look", "prepare"))),
                        name="host_setup_asked_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="hostsetup",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("state__in", ("unknown", "ready", "todo", "by_hand", "failed"))),
                        name="host_setup_state_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="evidence",
                    constraint=models.UniqueConstraint(fields=("run", "name"), name="evidence_once_per_run"),
                ),
                migrations.AddIndex(
                    model_name="session",
                    index=models.Index(fields=["expire_date"], name="tenants_ses_expire__d4a615_idx"),
                ),
                migrations.AddIndex(
                    model_name="signingkey",
                    index=models.Index(
                        condition=models.Q(("problem", ""), ("public_key", "")),
                        fields=["claimed_until"],
                        name="keys_to_compute",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="signingkey",
                    constraint=models.UniqueConstraint(
                        fields=("domain", "selector"), name="selector_is_used_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="signingkey",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("selector", django.db.models.functions.text.Lower("selector")),
                            models.Q(("selector", ""), _negated=True),
                        ),
                        name="selector_is_in_lower_case",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="signingkey",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("algorithm__in", ("rsa-2048", "rsa-4096", "ed25519"))),
                        name="signing_key_algorithm_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="signinlink",
                    index=models.Index(fields=["expires_at"], name="tenants_sig_expires_5055ea_idx"),
                ),
                migrations.AddConstraint(
                    model_name="stack",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("submission_host", django.db.models.functions.text.Lower("submission_host")),
                            models.Q(("submission_host", ""), _negated=True),
                        ),
                        name="stack_submission_host_is_in_lower_case",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="stack",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("selector", ""), _negated=True), name="stack_has_a_selector"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="stack",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("git_address", ""), _negated=True), name="stack_has_a_git_address"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="stack",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("wanted__in", ("running", "cancelled", "removed"))),
                        name="stack_wanted_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="stack",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("firewall__in", ("closed", "prepared", "open", "others"))),
                        name="stack_firewall_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="release",
                    constraint=models.UniqueConstraint(
                        fields=("stack", "number"), name="release_numbered_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="release",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("number__range", (1, 9999))), name="release_number_fits"
                    ),
                ),
                migrations.AddIndex(
                    model_name="canary",
                    index=models.Index(fields=["next_look_at"], name="tenants_can_next_lo_46d552_idx"),
                ),
                migrations.AddConstraint(
                    model_name="canary",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("local_part", django.db.models.functions.text.Lower("local_part")),
                            models.Q(("local_part", ""), _negated=True),
                        ),
                        name="canary_is_in_lower_case",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="stackphase",
                    constraint=models.UniqueConstraint(fields=("stack", "name"), name="phase_once_per_stack"),
                ),
                migrations.AddConstraint(
                    model_name="stackphase",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("pending", "doing", "proved", "failed", "leaving", "gone"))
                        ),
                        name="stack_phase_state_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="step",
                    constraint=models.UniqueConstraint(fields=("run", "name"), name="step_once_per_run"),
                ),
                migrations.AddConstraint(
                    model_name="step",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("pending", "running", "done", "failed", "skipped"))
                        ),
                        name="step_state_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="storedanswer",
                    index=models.Index(fields=["expires_at"], name="tenants_sto_expires_4b85a5_idx"),
                ),
                migrations.AddConstraint(
                    model_name="storedanswer",
                    constraint=models.UniqueConstraint(
                        fields=("token", "key"), name="answer_once_per_token_and_key"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="storedanswer",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("token__isnull", True)),
                        fields=("account", "key"),
                        name="answer_once_per_account_and_key",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="storedanswer",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("key", ""), _negated=True), name="answer_has_a_key"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="surveylook",
                    constraint=models.UniqueConstraint(
                        fields=("survey", "place"), name="place_looked_at_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="surveylook",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("place__in", ("host", "rules", "users", "zone"))),
                        name="survey_look_place_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="run",
                    index=models.Index(
                        fields=["target", "state", "mode", "generation", "id"],
                        name="tenants_run_target__fb124f_idx",
                    ),
                ),
                migrations.AddIndex(
                    model_name="run",
                    index=models.Index(
                        fields=["target", "mode", "state", "finished_at", "id"],
                        name="tenants_run_target__cda081_idx",
                    ),
                ),
                migrations.AddIndex(
                    model_name="run",
                    index=models.Index(fields=["organization", "-id"], name="tenants_run_organiz_8d23e8_idx"),
                ),
                migrations.AddIndex(
                    model_name="run",
                    index=models.Index(
                        fields=["organization", "state", "-id"], name="tenants_run_organiz_b5491e_idx"
                    ),
                ),
                migrations.AddIndex(
                    model_name="run",
                    index=models.Index(fields=["target", "-id"], name="tenants_run_target__e5aa2a_idx"),
                ),
                migrations.AddIndex(
                    model_name="run",
                    index=models.Index(fields=["state", "-id"], name="tenants_run_state_87e0c5_idx"),
                ),
                migrations.AddIndex(
                    model_name="run",
                    index=models.Index(fields=["-created_at"], name="tenants_run_created_700079_idx"),
                ),
                migrations.AddConstraint(
                    model_name="run",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("mode", "preview"), ("state", "queued")),
                        fields=("target",),
                        name="one_preview_waits",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="run",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("mode__in", ("apply", "preview"))), name="run_mode_is_a_choice"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="run",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("queued", "running", "waiting", "stopped", "succeeded", "failed"))
                        ),
                        name="run_state_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="finding",
                    index=models.Index(
                        fields=["target", "kind", "unit"], name="tenants_fin_target__6a178f_idx"
                    ),
                ),
                migrations.AddIndex(
                    model_name="finding",
                    index=models.Index(
                        condition=models.Q(("takeable", True)),
                        fields=["target", "kind", "unit"],
                        name="findings_takeable",
                    ),
                ),
                migrations.AddIndex(
                    model_name="finding",
                    index=models.Index(
                        condition=models.Q(("takeable", False)),
                        fields=["target", "kind", "unit"],
                        name="findings_not_takeable",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="finding",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ("foreign", "skipped", "drift", "conflict", "unsafe"))
                        ),
                        name="finding_kind_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="finding",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("decision__in", ("", "adopt", "repair"))),
                        name="finding_decision_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="finding",
                    constraint=models.UniqueConstraint(
                        fields=("target", "unit"), name="one_finding_per_unit"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="finding",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decision", "adopt"), _negated=True),
                            ("takeable", True),
                            _connector="OR",
                        ),
                        name="only_takeable_findings_are_adopted",
                    ),
                ),
                migrations.AddIndex(
                    model_name="event",
                    index=models.Index(fields=["organization", "-id"], name="tenants_eve_organiz_279c7e_idx"),
                ),
                migrations.AddIndex(
                    model_name="event",
                    index=models.Index(fields=["domain", "-id"], name="tenants_eve_domain__22d67c_idx"),
                ),
                migrations.AddIndex(
                    model_name="event",
                    index=models.Index(fields=["mailbox", "-id"], name="tenants_eve_mailbox_4ddf24_idx"),
                ),
                migrations.AddIndex(
                    model_name="event",
                    index=models.Index(
                        condition=models.Q(("mailbox", None)),
                        fields=["domain", "subject"],
                        name="events_without_address",
                    ),
                ),
                migrations.AddIndex(
                    model_name="event",
                    index=models.Index(
                        fields=["sync_target", "generation"], name="tenants_eve_sync_ta_ac15f6_idx"
                    ),
                ),
                migrations.AddIndex(
                    model_name="event",
                    index=models.Index(
                        fields=["organization", "verb", "-id"], name="tenants_eve_organiz_9366f4_idx"
                    ),
                ),
                migrations.AddIndex(
                    model_name="event",
                    index=models.Index(
                        fields=["organization", "actor_name", "-id"], name="tenants_eve_organiz_a5fa48_idx"
                    ),
                ),
                migrations.AddIndex(
                    model_name="event",
                    index=models.Index(
                        fields=["domain", "verb", "-id"], name="tenants_eve_domain__8c1dc3_idx"
                    ),
                ),
                migrations.AddIndex(
                    model_name="event",
                    index=models.Index(
                        condition=models.Q(("undoes__isnull", False)),
                        fields=["undoes"],
                        name="events_that_undo",
                    ),
                ),
                migrations.AddIndex(
                    model_name="event",
                    index=models.Index(fields=["at", "id"], name="tenants_eve_at_109842_idx"),
                ),
                migrations.AddIndex(
                    model_name="event",
                    index=models.Index(fields=["verb", "-id"], name="tenants_eve_verb_40b256_idx"),
                ),
                migrations.AddIndex(
                    model_name="event",
                    index=models.Index(fields=["actor_name", "-id"], name="tenants_eve_actor_n_5bd66f_idx"),
                ),
                migrations.AddConstraint(
                    model_name="condition",
                    constraint=models.UniqueConstraint(
                        fields=("target", "type"), name="condition_once_per_target"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="condition",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            (
                                "type__in",
                                (
                                    "Synced",
                                    "Reachable",
                                    "Drifted",
                                    "Conflicted",
                                    "UnsafeEntries",
                                    "ForeignEntries",
                                    "ReloadPending",
                                    "Growing",
                                    "Unproved",
                                    "Ended",
                                    "ManyZones",
                                    "ServersApart",
                                    "Certificates",
                                    "Canary",
                                ),
                            )
                        ),
                        name="condition_type_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="targetaddress",
                    index=models.Index(fields=["address", "mailbox"], name="tenants_tar_address_be7867_idx"),
                ),
                migrations.AddIndex(
                    model_name="targetaddress",
                    index=models.Index(fields=["host", "mailbox"], name="tenants_tar_host_861c17_idx"),
                ),
                migrations.AddConstraint(
                    model_name="targetaddress",
                    constraint=models.UniqueConstraint(
                        models.F("mailbox"),
                        django.db.models.functions.text.Lower("address"),
                        name="target_once_per_mailbox",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="targetaddress",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("source__in", ("", "link", "owner", "outside"))),
                        name="target_source_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="targetaddress",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("exchange__in", ("", "checking", "shared", "accepted"))),
                        name="target_exchange_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="targetdomain",
                    index=models.Index(fields=["next_look_at"], name="tenants_tar_next_lo_bbf39f_idx"),
                ),
                migrations.AddIndex(
                    model_name="targetdomain",
                    index=models.Index(
                        condition=models.Q(("review_due__gt", 0)),
                        fields=["name"],
                        name="target_domain_to_review",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="targetdomain",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("name", django.db.models.functions.text.Lower("name")),
                            models.Q(("name", ""), _negated=True),
                        ),
                        name="target_domain_is_in_lower_case",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="targetdomain",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            (
                                "answer__in",
                                ("", "exchanges", "address_only", "nothing", "no_mail", "no_domain"),
                            )
                        ),
                        name="target_domain_answer_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="targetdomain",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("dmarc__in", ("", "none", "quarantine", "reject"))),
                        name="target_domain_dmarc_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="targetdomain",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answer", ""), ("looked_up_at__isnull", True)),
                            models.Q(
                                ("looked_up_at__isnull", False), models.Q(("answer", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="an_answer_has_its_time",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="stacksecret",
                    constraint=models.UniqueConstraint(
                        fields=("stack", "holder", "name"), name="stack_secret_named_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="stacksecret",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("holder", ""), _negated=True), name="stack_secret_has_a_holder"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="stacksecret",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="stack_secret_has_a_name"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="unikernel",
                    constraint=models.UniqueConstraint(fields=("share", "name"), name="unikernel_named_once"),
                ),
                migrations.AddConstraint(
                    model_name="unikernel",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("memory__gte", 1)), name="unikernel_has_memory"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="unikernel",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="unikernel_has_a_name"
                    ),
                ),
                migrations.AddIndex(
                    model_name="sample",
                    index=models.Index(fields=["unikernel", "at"], name="sample_of_unikernel"),
                ),
                migrations.AddConstraint(
                    model_name="repositoryreader",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("role__in", ("submission", "relay"))),
                        name="reader_role_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="repositoryreader",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("serving__in", ("", "yes", "no", "not_probed"))),
                        name="reader_serving_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="hostaddress",
                    constraint=models.UniqueConstraint(
                        fields=("network", "address"), name="address_given_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="hostaddress",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("device", ""), _negated=True),
                        fields=("unikernel", "device"),
                        name="one_address_per_device",
                    ),
                ),
                migrations.AddIndex(
                    model_name="consoleline",
                    index=models.Index(fields=["unikernel", "id"], name="line_of_unikernel"),
                ),
                migrations.AddIndex(
                    model_name="unikernelexit",
                    index=models.Index(fields=["unikernel", "at"], name="exit_of_unikernel"),
                ),
                migrations.AddConstraint(
                    model_name="unikernelexit",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("code", None), ("signal", None), _connector="OR"),
                        name="exit_by_code_or_signal",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="unikernelsecret",
                    constraint=models.UniqueConstraint(
                        fields=("unikernel", "name"), name="secret_named_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="unikernelsecret",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="secret_has_a_name"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="updateserver",
                    constraint=models.UniqueConstraint(
                        fields=("organization", "address", "port"), name="update_server_connected_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="updateserver",
                    constraint=models.UniqueConstraint(
                        fields=("organization", "name"), name="update_server_named_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="updateserver",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("port__range", (1, 65535))), name="update_server_has_a_port"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="updateserver",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="update_server_has_a_name"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="updateserver",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("key_name", django.db.models.functions.text.Lower("key_name")),
                            models.Q(("key_name", ""), _negated=True),
                        ),
                        name="update_key_is_in_lower_case",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="updateserver",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("algorithm__in", ("SHA1", "SHA224", "SHA256", "SHA384", "SHA512"))
                        ),
                        name="update_server_algorithm_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="synctarget",
                    index=models.Index(fields=["next_try_at"], name="tenants_syn_next_tr_bf798b_idx"),
                ),
                migrations.AddIndex(
                    model_name="synctarget",
                    index=models.Index(fields=["next_check_at"], name="tenants_syn_next_ch_a83fc7_idx"),
                ),
                migrations.AddConstraint(
                    model_name="synctarget",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("observed_generation__lte", models.F("generation"))),
                        name="nothing_observed_before_asked",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="synctarget",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ("albatross_host", "dynamic_update", "firewall", "stack")),
                            ("repository__isnull", False),
                            _connector="OR",
                        ),
                        name="target_has_its_repository",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="synctarget",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "albatross_host"), _negated=True),
                            ("host_share__isnull", False),
                            _connector="OR",
                        ),
                        name="host_target_has_its_share",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="synctarget",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "dynamic_update"), _negated=True),
                            ("update_server__isnull", False),
                            _connector="OR",
                        ),
                        name="dynamic_target_has_its_server",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="synctarget",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "firewall"), _negated=True),
                            ("firewall__isnull", False),
                            _connector="OR",
                        ),
                        name="firewall_target_has_its_firewall",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="synctarget",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "stack"), _negated=True),
                            ("stack__isnull", False),
                            _connector="OR",
                        ),
                        name="stack_target_has_its_stack",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="synctarget",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                (
                                    "relay_repository",
                                    "zone_repository",
                                    "dynamic_update",
                                    "albatross_host",
                                    "firewall",
                                    "stack",
                                ),
                            )
                        ),
                        name="sync_target_kind_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="synctarget",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("drift_mode__in", ("report", "repair", "adopt"))),
                        name="sync_target_drift_mode_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="synctarget",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("mode_before__in", ("", "report", "repair", "adopt"))),
                        name="sync_target_mode_before_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="upgrade",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("state__in", ("going", "returning"))),
                        fields=("stack",),
                        name="one_upgrade_at_a_time",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="upgrade",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("state__in", ("going", "returning", "done", "returned"))),
                        name="upgrade_state_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="upgrade",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("state__in", ("going", "returning"))),
                            models.Q(("ended_at__isnull", False), ("state__in", ("done", "returned"))),
                            _connector="OR",
                        ),
                        name="upgrade_ends_with_its_way",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="upgradephase",
                    constraint=models.UniqueConstraint(
                        fields=("upgrade", "name"), name="phase_once_per_upgrade"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="upgradephase",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("pending", "doing", "proved", "failed", "leaving", "gone"))
                        ),
                        name="upgrade_phase_state_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="volume",
                    constraint=models.UniqueConstraint(fields=("share", "label"), name="volume_named_once"),
                ),
                migrations.AddConstraint(
                    model_name="volume",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("size__gte", 1)), name="volume_has_a_size"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="volume",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("label", ""), _negated=True), name="volume_has_a_label"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="webhook",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="webhook_has_a_name"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="webhook",
                    constraint=models.UniqueConstraint(
                        fields=("organization", "name"), name="webhook_name_exists_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="webhook",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("stopped__in", ("", "person", "gone", "failing", "full"))),
                        name="webhook_stopped_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="webhook",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("enabled", True), ("stopped", "")),
                            models.Q(("enabled", False), models.Q(("stopped", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="webhook_says_why_it_is_off",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="webhook",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("former_until__isnull", True), ("sealed_former_secret__isnull", True)),
                            models.Q(
                                ("former_until__isnull", False), ("sealed_former_secret__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="former_secret_of_a_webhook_ends",
                    ),
                ),
                migrations.AddIndex(
                    model_name="webhookdelivery",
                    index=models.Index(fields=["webhook", "-id"], name="tenants_web_webhook_62b938_idx"),
                ),
                migrations.AddIndex(
                    model_name="webhookdelivery",
                    index=models.Index(
                        fields=["webhook", "state", "next_try_at"], name="tenants_web_webhook_ddf043_idx"
                    ),
                ),
                migrations.AddIndex(
                    model_name="webhookdelivery",
                    index=models.Index(fields=["organization", "-id"], name="tenants_web_organiz_ca95d5_idx"),
                ),
                migrations.AddIndex(
                    model_name="webhookdelivery",
                    index=models.Index(fields=["created_at"], name="tenants_web_created_859a7c_idx"),
                ),
                migrations.AddConstraint(
                    model_name="webhookdelivery",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("state__in", ("waiting", "delivered", "failed"))),
                        name="webhook_delivery_state_is_a_choice",
                    ),
                ),
                migrations.AddIndex(
                    model_name="webhookattempt",
                    index=models.Index(fields=["delivery", "-id"], name="tenants_web_deliver_5f2503_idx"),
                ),
                migrations.AddIndex(
                    model_name="zone",
                    index=models.Index(
                        condition=models.Q(("owned_at", None)), fields=["next_look_at"], name="zones_to_prove"
                    ),
                ),
                migrations.AddIndex(
                    model_name="zone",
                    index=models.Index(fields=["servers_look_at"], name="tenants_zon_servers_6e50cd_idx"),
                ),
                migrations.AddIndex(
                    model_name="zone",
                    index=models.Index(fields=["certificates_due_at"], name="tenants_zon_certifi_1e6497_idx"),
                ),
                migrations.AddConstraint(
                    model_name="zone",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("first_server", ""), _negated=True),
                        name="zone_has_a_first_server",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="zone",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("contact", ""), _negated=True), name="zone_has_a_contact"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="zone",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("challenge", ""), _negated=True), name="zone_has_a_challenge"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="zone",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("refresh__range", (0, 2147483647))),
                        name="zone_refresh_is_in_range",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="zone",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("retry__range", (0, 2147483647))), name="zone_retry_is_in_range"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="zone",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("expire__range", (0, 2147483647))), name="zone_expire_is_in_range"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="zone",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("minimum__range", (0, 2147483647))),
                        name="zone_minimum_is_in_range",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="zone",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("serial__range", (0, 4294967295))), name="zone_serial_fits"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="zone",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("owned_by__in", ("", "text", "delegation"))),
                        name="zone_owned_by_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="zone",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("standing__in", ("kept", "returning", "removing", "removed", "let_go"))
                        ),
                        name="zone_standing_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="zone",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("owned_at", None), ("owned_by", "")),
                            models.Q(("owned_at__isnull", False), models.Q(("owned_by", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="zone_ownership_says_how",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="tsigkey",
                    constraint=models.UniqueConstraint(
                        fields=("repository", "name"), name="key_name_is_used_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="tsigkey",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("name", django.db.models.functions.text.Lower("name")),
                            models.Q(("name", ""), _negated=True),
                        ),
                        name="key_name_is_in_lower_case",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="tsigkey",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("right__in", ("update", "transfer", "notify"))),
                        name="tsig_key_right_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="tsigkey",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("algorithm__in", ("SHA1", "SHA224", "SHA256", "SHA384", "SHA512"))
                        ),
                        name="tsig_key_algorithm_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="tsigkey",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("own", False), models.Q(("right", "update"), ("zone", None)), _connector="OR"
                        ),
                        name="own_key_covers_every_zone",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="serveranswer",
                    constraint=models.UniqueConstraint(
                        fields=("zone", "host", "address"), name="server_answers_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="serveranswer",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("agreement__in", ("agrees", "behind", "ahead", "silent", "not_authoritative"))
                        ),
                        name="server_answer_agreement_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="serveranswer",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("agreement", "agrees"), ("apart_since", None)),
                            models.Q(
                                models.Q(("agreement", "agrees"), _negated=True),
                                ("apart_since__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="server_apart_says_since",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="secondaryserver",
                    constraint=models.UniqueConstraint(
                        fields=("zone", "host"), name="secondary_is_named_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="secondaryserver",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("host", django.db.models.functions.text.Lower("host")),
                            models.Q(("host", ""), _negated=True),
                        ),
                        name="secondary_is_in_lower_case",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="secondaryserver",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("transfer__in", ("key", "open"))),
                        name="secondary_server_transfer_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="secondaryserver",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("key__isnull", False), ("transfer", "key")),
                            models.Q(("key", None), ("transfer", "open")),
                            _connector="OR",
                        ),
                        name="secondary_with_a_key_has_it",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="recordset",
                    constraint=models.UniqueConstraint(
                        fields=("zone", "owner", "type"), name="record_set_exists_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="recordset",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("owner", django.db.models.functions.text.Lower("owner")),
                            models.Q(("owner", ""), _negated=True),
                        ),
                        name="record_set_owner_is_in_lower_case",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="recordset",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("type", ""), _negated=True), name="record_set_has_a_type"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="recordset",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("type", "SOA"), _negated=True), name="soa_is_no_record_set"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="recordset",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("ttl__range", (0, 4294967295))), name="record_set_ttl_fits"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="recordset",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("holder__in", ("managed", "frozen", "external"))),
                        name="record_set_holder_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="recordset",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("absent", False), ("holder", "managed"), _connector="OR"),
                        name="only_managed_sets_are_to_be_gone",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="certificateuse",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("mode__in", ("proposed", "automatic", "off"))),
                        name="certificate_use_mode_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="certificateuse",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("host", django.db.models.functions.text.Lower("host")),
                            models.Q(("host", ""), _negated=True),
                        ),
                        name="certificate_use_host_is_in_lower_case",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="certificate",
                    constraint=models.UniqueConstraint(
                        fields=("zone", "host"), name="certificate_of_a_host_is_there_once"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="certificate",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            ("host", django.db.models.functions.text.Lower("host")),
                            models.Q(("host", ""), _negated=True),
                        ),
                        name="certificate_host_is_in_lower_case",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="certificate",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            (
                                "standing__in",
                                (
                                    "valid",
                                    "pending",
                                    "renewal due",
                                    "nothing asks for its renewal",
                                    "does not fit its request",
                                    "not valid yet",
                                    "expired",
                                    "stuck",
                                    "unreadable",
                                ),
                            )
                        ),
                        name="certificate_standing_is_a_choice",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="certificate",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("standing", "valid"), _negated=True),
                            ("worries", False),
                            _connector="OR",
                        ),
                        name="valid_certificates_worry_nobody",
                    ),
                ),
                migrations.AddIndex(
                    model_name="formerpassphrase",
                    index=models.Index(fields=["kept_until"], name="tenants_for_kept_un_29e47e_idx"),
                ),
            ]
        ),
    ]
