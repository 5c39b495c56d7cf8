"""Pages for people without an account, and a person's own pages."""

from __future__ import annotations

from django.urls import path

from panel.web import (
    account,
    account_tokens,
    ask,
    autoconfig,
    confirm,
    converters,
    decide,
    factors,
    mail_program,
    notices,
    own_account,
    own_addresses,
    passkeys,
    sandbox,
    second_step,
    sessions,
    sign_in,
)

converters.register()

urlpatterns = [
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-in/<str:token>", sign_in.sign_in_link, name="sign-in-link"),
    path("sign-in-by-passkey", passkeys.sign_in_by_passkey, name="sign-in-by-passkey"),
    path("second-step", second_step.second_step, name="second-step"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("ask/<mail_domain:domain>", ask.ask, name="ask"),
    path("ask/<mail_domain:domain>/already", ask.ask_lost, name="ask-lost"),
    path("invited/<str:token>", ask.invited, name="invited"),
    path("decide/<str:token>", decide.decide, name="decide"),
    path("asked/confirm/<str:token>", confirm.confirm_request, name="asked-confirm"),
    path("asked/<str:page_token>", ask.asked, name="asked"),
    path("asked/<str:page_token>/now", ask.asked_fragment, name="asked-fragment"),
    path("asked/<str:page_token>/withdraw", ask.asked_withdraw, name="asked-withdraw"),
    path("confirm/<str:token>", confirm.confirm_target, name="confirm-target"),
    path("account", account.account, name="account"),
    path("my", own_addresses.own_addresses, name="own-addresses"),
    path("account/export", own_account.account_export_file, name="account-export"),
    path("account/delete", own_account.account_delete, name="account-delete"),
    path("account/leave/<int:organization_id>", own_account.organization_leave, name="account-leave"),
    path("account/password", account.account_password, name="account-password"),
    path("account/second-factors", factors.factors, name="account-factors"),
    path("account/second-factors/app", factors.code_app, name="account-code-app"),
    path("account/second-factors/app/remove", factors.code_app_remove, name="account-code-app-remove"),
    path("account/second-factors/passkeys", passkeys.passkey_add, name="account-passkey-add"),
    path(
        "account/second-factors/passkeys/<int:passkey_id>/remove",
        passkeys.passkey_remove,
        name="account-passkey-remove",
    ),
    path(
        "account/second-factors/passkeys/<int:passkey_id>/rename",
        passkeys.passkey_rename,
        name="account-passkey-rename",
    ),
    path("account/second-factors/codes", factors.recovery_codes, name="account-recovery-codes"),
    path("account/sessions", sessions.sessions, name="account-sessions"),
    path("account/sessions/close", sessions.session_close, name="account-session-close"),
    path("account/notices", notices.account_notices, name="account-notices"),
    path("notices", notices.notices, name="notices"),
    path("notices/read", notices.notices_read, name="notices-read"),
    path("account/tokens", account_tokens.tokens, name="account-tokens"),
    path("account/tokens/<int:token_id>/revoke", account_tokens.revoke, name="account-token-revoke"),
    path(
        "d/<mail_domain:domain>/addresses/<mail_local_part:local_part>/mail-program",
        mail_program.mail_program,
        name="mail-program",
    ),
    path("mail/config-v1.1.xml", autoconfig.autoconfig, name="autoconfig"),
    path(".well-known/autoconfig/mail/config-v1.1.xml", autoconfig.autoconfig, name="autoconfig-well-known"),
    path("sandbox/mail", sandbox.sandbox_mail, name="sandbox-mail"),
    path("sandbox/mail/<path:address>/<kept_mail:key>", sandbox.sandbox_letter, name="sandbox-letter"),
]
