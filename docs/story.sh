#!/bin/sh
# The whole story by curl, against a running `bin/demo`: a domain, its repository, a stranger's request, the
# approval, the proof, a login at the mail server and a mail that arrives.
#
#   docs/story.sh ONE-TIME-LINK DATA-FOLDER
#
# ONE-TIME-LINK is what the demo printed, unused; DATA-FOLDER is where its sandbox keeps its mails.
set -eu
[ $# -eq 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
link=$1
data=$2
base=${link%/sign-in/*}
api=$base/api/v1
domain=story-$(date +%s).example
passphrase="candle otter ribbon $(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')"
here=$(mktemp -d)
trap 'rm -rf -- "$here"' EXIT

say() { printf '\n%s\n' "$*"; }

# value NAME: print one member of the JSON object on standard input; dots go deeper, numbers pick from lists.
value() {
    python3 -c '
import json, sys
answer = json.load(sys.stdin)
node = answer
try:
    for key in sys.argv[1].split("."):
        node = node[int(key)] if isinstance(node, list) else node[key]
except (KeyError, IndexError):
    sys.exit(f"The answer has no {sys.argv[1]}: {json.dumps(answer)}")
print(node)' "$1"
}

# call METHOD PATH [JSON]: one API call as the administrator; prints the answer.
call() {
    curl --silent --show-error --fail-with-body --max-time 30 --request "$1" "$api/$2" \
        --header @"$here/token" --header 'Content-Type: application/json' ${3:+--data "$3"}
}

# anyone METHOD PATH [JSON]: the same without a token, as a stranger.
anyone() {
    curl --silent --show-error --fail-with-body --max-time 30 --request "$1" "$api/$2" \
        --header 'Content-Type: application/json' ${3:+--data "$3"}
}

# until_true COMMAND...: try a few times a second, for a minute at most.
until_true() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 120 ] || { echo "gave up waiting for: $*" >&2; cat "$here"/*-says >&2; exit 1; }
        sleep 0.25
    done
}

say "Sign in by the one-time link, and make a token for a program"
page() { curl --silent --show-error --fail --max-time 30 --cookie-jar "$here/jar" --cookie "$here/jar" "$@"; }
form_token=$(page "$link" | sed -n 's/.*name="csrfmiddlewaretoken" value="\([^"]*\)".*/\1/p' | head -n 1)
page --output /dev/null --header "Referer: $link" --data-urlencode "csrfmiddlewaretoken=$form_token" "$link"
csrf=$(awk '$6 == "rookery_csrf" { print $7 }' "$here/jar")
token=$(page --header "Referer: $base" --header "X-CSRFToken: $csrf" --header 'Content-Type: application/json' \
    --data '{"name": "story.sh", "days": 1}' "$api/account/tokens/" | value key)
(umask 077 && printf 'Authorization: Bearer %s\n' "$token" >"$here/token")
call GET account/ | value email

say "An organization, and the domain $domain, where anyone may ask"
organization=$(call POST organizations/ '{"name": "Story tellers"}' | value id)
call POST domains/ "{\"organization\": $organization, \"name\": \"$domain\"}" | value name
call PATCH "domains/$domain/" '{"requests": "moderated"}' | value requests

say "Connect a relay repository of the sandbox's git host; look at its fingerprint; pin it"
host=$(value git.0 <"$data/sandbox/addresses.json")
port=$(value git.1 <"$data/sandbox/addresses.json")
target=$(call PUT "domains/$domain/repository/" \
    "{\"host\": \"$host\", \"port\": $port, \"username\": \"git\", \"path\": \"$domain.git\", \"reload\": \"sandbox\"}" |
    value target)
offered() { fingerprint=$(call GET "domains/$domain/repository/" | value offered_host_key_fingerprint) && [ "$fingerprint" != None ]; }
until_true offered
echo "$fingerprint"
call POST "domains/$domain/repository/host-key/" "{\"fingerprint\": \"$fingerprint\"}" | value host_key_fingerprint

say "A stranger asks for mary@$domain; only the passphrase's BLAKE2b hash leaves this shell"
hash=$(printf %s "$passphrase" | b2sum | cut -d ' ' -f 1)
asked=$(anyone POST "public/domains/$domain/requests/" \
    "{\"local_part\": \"mary\", \"target\": \"mary.$domain@harbour.example\", \"password_hash\": \"$hash\"}")
timeline=$(printf %s "$asked" | value status_url)
echo "${timeline#"$base"}" | cut -c 1-40

say "The link in the mail, and the button behind it"
letters="$data/sandbox/mail/mary.$domain@harbour.example/new"
mailed() { grep -rhoq '/asked/confirm/[A-Za-z0-9_-]*\|/confirm/[A-Za-z0-9_-]*' "$letters" 2>/dev/null; }
until_true mailed
confirm=$(cat "$letters"/* | python3 -c '
import email, email.policy, re, sys
body = email.message_from_file(sys.stdin, policy=email.policy.default).get_content()
print(re.search(r"/(?:asked/)?confirm/([A-Za-z0-9_-]+)|/asked/([A-Za-z0-9_-]+)", body)[0].rpartition("/")[2])')
anyone POST public/requests/confirm/ "{\"token\": \"$confirm\"}" | value status

say "The owner approves; a worker pushes; the commit is the proof"
request=$(call GET "requests/?status=confirmed&domain=$domain" | value results.0.id)
call POST "requests/$request/approve/" | value mailbox
works() { [ "$(call GET "mailboxes/mary@$domain/" | value observed)" = True ]; }
until_true works
call GET "targets/$target/" | value proof.commit

say "The mail server knows her: she logs in with her local part and the passphrase, and writes to herself"
from_here() { value "$1" <"$data/sandbox/addresses.json"; }
(umask 077 && printf 'user = "mary:%s"\n' "$passphrase" >"$here/login")
# letter SUBJECT: what the next conversation carries.
letter() {
    printf 'From: mary@%s\r\nTo: mary@%s\r\nSubject: %s\r\n\r\nIt works.\r\n' "$domain" "$domain" "$1" >"$here/letter"
}
arrived() { grep -rq "^Subject: $1" "$letters" 2>/dev/null; }
# smtp ROLE SCHEME CURL-ARGUMENTS...: one SMTP conversation with a server of the domain.
smtp() {
    role=$1 scheme=$2
    shift 2
    # The domain's name has dots, so value() cannot look it up.
    where=$(python3 -c 'import json, sys; print("%s:%d" % tuple(json.load(sys.stdin)["domains"][sys.argv[1]][sys.argv[2]]))' \
        "$domain" "$role" <"$data/sandbox/addresses.json")
    curl --silent --show-error --max-time 30 --url "$scheme://$where" --mail-from "mary@$domain" \
        --mail-rcpt "mary@$domain" --upload-file "$here/letter" "$@"
}
# ptt wants AUTH PLAIN with its initial response, hence --sasl-ir.
can_log_in() {
    smtp submission smtps --cacert "$(from_here ca_file)" --config "$here/login" --login-options AUTH=PLAIN \
        --sasl-ir 2>"$here/smtp-says"
}
letter "By herself"
until_true can_log_in
until_true arrived "By herself"
echo "arrived in the mailbox of mary.$domain@harbour.example"

say "A stranger's mail to her arrives there too"
letter "By a stranger"
smtp incoming smtp
until_true arrived "By a stranger"
echo "arrived"
