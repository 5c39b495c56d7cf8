#!/bin/sh
# rookery-firewall: the only way in which Rookery changes the firewall of this machine.
#
# It touches chains that begin with ROOKERY- and the jumps into them, and nothing else. A change that nobody
# confirms in time, over a connection made after it, is undone here: so no change can lock anybody out.
#
# As root:  install -m 755 rookery-firewall /usr/local/sbin/ && rookery-firewall install ACCOUNT
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077
VERSION=1
KEPT=/var/lib/rookery-firewall
STATE=/run/rookery-firewall
UNITS=/etc/systemd/system
SUDOERS=/etc/sudoers.d
MOST=8000000
OURS='ROOKERY-(FORWARD|INPUT|OWNER|DNAT|SNAT)'
ADDRESS='[0-9a-f.:]{2,39}(/[0-9]{1,3})?'
NAME='[A-Za-z0-9][A-Za-z0-9_.-]{0,14}'
MATCHES="( -s $ADDRESS)?( -d $ADDRESS)?( -i $NAME)?( -o $NAME)?( -p (tcp|udp|icmp|ipv6-icmp))?"
MATCHES="$MATCHES( -m (tcp|udp) --dport [0-9]{1,5})?( -m conntrack (! )?--ctstate (RELATED,ESTABLISHED|DNAT))?"
MATCHES="$MATCHES( -m comment --comment ([A-Za-z0-9_-]{1,120}|\"[A-Za-z0-9 ._:/@-]{1,120}\"))?"
FILTERS='( -j (ACCEPT|DROP|RETURN|REJECT --reject-with icmp6?-port-unreachable))?'
DNATS=' -j (ACCEPT|RETURN|DNAT --to-destination ([0-9a-f.:]|\[|\]){2,50})'
SNATS=" -j (ACCEPT|RETURN|MASQUERADE|SNAT --to-source $ADDRESS)"
HOOKS='FORWARD -j ROOKERY-FORWARD|INPUT -j ROOKERY-INPUT|PREROUTING -j ROOKERY-DNAT'
HOOKS="$HOOKS|OUTPUT -j ROOKERY-DNAT|POSTROUTING -j ROOKERY-SNAT"
FIRST=$(printf '%s' "$HOOKS" | sed 's/ -j/ 1 -j/g')
ALLOWED="\\*filter|\\*nat|COMMIT|:$OURS - \\[0:0\\]|-[FX] $OURS|-D ($HOOKS)|-I ($FIRST)"
ALLOWED="$ALLOWED|-A ROOKERY-OWNER$MATCHES|-A ROOKERY-(FORWARD|INPUT)$MATCHES$FILTERS"
ALLOWED="$ALLOWED|-A ROOKERY-DNAT$MATCHES$DNATS|-A ROOKERY-SNAT$MATCHES$SNATS"

quit() { # status, sentence
	printf '%s\n' "$2" >&2
	exit "$1"
}

hold() { # one at a time; others wait for 10 seconds
	mkdir -p "$STATE" "$KEPT"
	exec 9>"$STATE/lock"
	flock -w 10 9 || quit 5 'Somebody else changes the firewall now.'
}

check_family() {
	case "$1" in 4) TOOL=iptables ;; 6) TOOL=ip6tables ;; *) quit 2 'The family is 4 or 6.' ;; esac
}

check_token() {
	printf '%s' "$1" | grep -Eqx '[0-9a-f]{16,64}' || quit 2 'This is no token.'
}

count() { # rules of others
	grep '^-A' "$1" | grep -vc ROOKERY- || true
}

# The back-end that holds our chains, else the one that holds rules of others, else the default one.
choose() { # family → P, and foreign rules in each back-end as N and L
	check_family "$1"
	P='' N=0 L=0 nft=$STATE/nft.$1 legacy=$STATE/legacy.$1
	: >"$nft"
	: >"$legacy"
	command -v "$TOOL-save" >/dev/null || return 0
	if ! command -v "$TOOL-nft-save" >/dev/null || ! command -v "$TOOL-legacy-save" >/dev/null; then
		P=$TOOL
		return 0
	fi
	"$TOOL-nft-save" >"$nft" 2>/dev/null || true
	# Asking the legacy program would load its modules: only where a table of it is there.
	[ -z "$(cat "/proc/net/${TOOL%tables}_tables_names" 2>/dev/null)" ] || "$TOOL-legacy-save" >"$legacy" || true
	N=$(count "$nft") L=$(count "$legacy")
	case "$("$TOOL" --version)" in *legacy*) P=$TOOL-legacy ;; *) P=$TOOL-nft ;; esac
	[ "$L" -gt 0 ] || [ "$N" -eq 0 ] || P=$TOOL-nft
	[ "$N" -gt 0 ] || [ "$L" -eq 0 ] || P=$TOOL-legacy
	if grep -q '^:ROOKERY-' "$nft"; then
		P=$TOOL-nft
	elif grep -q '^:ROOKERY-' "$legacy"; then
		P=$TOOL-legacy
	fi
}

tables() { # the two tables that we write, as they are
	"$P-save" ${1:+"$1"} -t filter 2>/dev/null && "$P-save" ${1:+"$1"} -t nat 2>/dev/null
}

digest() { # of all lines with our prefix
	sed -n '/ROOKERY-/{s/ \[[0-9]*:[0-9]*\]$//;p;}' "$1" | sha256sum | cut -d ' ' -f 1
}

# Make our chains and the jumps into them what they are in a file that `tables` wrote.
bring_back() { # file
	tables >"$STATE/now"
	for table in filter nat; do
		awk -v table="$table" '
			FNR == 1 { file++ }
			/^\*/ { here = substr($1, 2) }
			here != table { next }
			/^:ROOKERY-(FORWARD|INPUT|OWNER|DNAT|SNAT) / { known[substr($1, 2)] = 1 }
			/^-A ROOKERY-(FORWARD|INPUT|OWNER|DNAT|SNAT) / { if (file == 1) rules[++count] = $0; next }
			/^-A [A-Z]+ -j ROOKERY-[A-Z]+$/ {
				if (file == 1) hooks[++hooked] = "-I " $2 " 1 -j " $4
				else unhook[++unhooked] = "-D " $2 " -j " $4
			}
			END {
				none = 1
				for (chain in known) none = 0
				if (none) exit
				print "*" table
				for (chain in known) print ":" chain " - [0:0]"
				for (i = 1; i <= unhooked; i++) print unhook[i]
				for (i = 1; i <= count; i++) print rules[i]
				for (i = 1; i <= hooked; i++) print hooks[i]
				print "COMMIT"
			}' "$1" "$STATE/now" >"$STATE/back"
		[ -s "$STATE/back" ] || continue
		"$P-restore" -w 5 --noflush <"$STATE/back"
		for chain in $(sed -n 's/^:\(ROOKERY-[A-Z]*\) .*/\1/p' "$STATE/back"); do
			grep -q "^:$chain " "$1" || "$P" -w 5 -t "$table" -X "$chain" 2>/dev/null || true
		done
	done
}

save() { # what is there, for Rookery to read
	hold
	printf 'rookery-firewall %s\n' "$VERSION"
	for family in 4 6; do
		choose "$family"
		pending=-
		[ ! -e "$STATE/pending.$family" ] || pending=$(cat "$STATE/pending.$family")
		kept=-
		[ ! -e "$KEPT/rules.$family" ] || kept=$(digest "$KEPT/rules.$family")
		printf 'family %s %s %s %s %s %s\n' "$family" "${P:--}" "$N" "$L" "$kept" "$pending"
		[ -z "$P" ] || tables -c || quit 4 "$P-save failed."
	done
	printf 'boot %s\n' "$(systemctl is-enabled rookery-firewall.service 2>/dev/null || echo no)"
}

apply() { # family, hash of what was read, seconds, token; the text is on stdin
	hold
	choose "$1"
	check_token "$4"
	printf '%s' "$3" | grep -Eqx '[1-9][0-9]?' || quit 2 'The time is 1 to 99 seconds.'
	[ -n "$P" ] || quit 4 "$TOOL is not installed."
	[ ! -e "$STATE/pending.$1" ] || quit 5 'An earlier change waits to be confirmed.'
	head -c "$MOST" >"$STATE/text"
	if grep -Evxq "$ALLOWED" "$STATE/text"; then
		quit 3 "Refused: $(grep -Evxn -m 1 "$ALLOWED" "$STATE/text" | cut -c 1-200)"
	fi
	tables >"$STATE/before.$1" || quit 4 "$P-save failed."
	[ "$(digest "$STATE/before.$1")" = "$2" ] || quit 7 'The rules were changed since they were read.'
	"$P-restore" -w 5 --noflush --test <"$STATE/text" || quit 4 "$P-restore --test refused it."
	printf '%s' "$4" >"$STATE/pending.$1"
	setsid "$0" undo "$1" "$4" "$3" </dev/null >/dev/null 2>&1 9>&- &
	if ! "$P-restore" -w 5 --noflush <"$STATE/text"; then
		bring_back "$STATE/before.$1" && rm -f "$STATE/pending.$1"
		quit 4 "$P-restore failed; what it had changed was undone."
	fi
	echo applied
}

undo() { # family, token, seconds: the dead man's switch
	check_token "$2"
	sleep "$3"
	hold
	choose "$1"
	[ "$(cat "$STATE/pending.$1" 2>/dev/null)" = "$2" ] || exit 0
	bring_back "$STATE/before.$1" || bring_back "$STATE/before.$1" || exit 4
	rm -f "$STATE/pending.$1"
}

confirm() { # family, token
	hold
	check_family "$1"
	check_token "$2"
	[ "$(cat "$STATE/pending.$1" 2>/dev/null)" = "$2" ] || quit 6 'Nobody confirmed in time: it was undone.'
	choose "$1"
	printf '# %s\n' "$P" >"$KEPT/rules.new"
	tables | grep -E '^\*|ROOKERY-' >>"$KEPT/rules.new"
	if grep -q ROOKERY- "$KEPT/rules.new"; then
		mv "$KEPT/rules.new" "$KEPT/rules.$1"
	else
		rm -f "$KEPT/rules.new" "$KEPT/rules.$1"
	fi
	rm -f "$STATE/pending.$1"
	echo confirmed
}

boot() { # what was confirmed last is there again
	hold
	for family in 4 6; do
		[ -e "$KEPT/rules.$family" ] || continue
		choose "$family"
		# Before anybody else has rules again, the back-end is the one of last time.
		last=$(sed -n '1s/^# \(ip6*tables[a-z-]*\)$/\1/p' "$KEPT/rules.$family")
		[ "$((N + L))" -gt 0 ] || ! command -v "$last" >/dev/null || P=$last
		[ -z "$P" ] || bring_back "$KEPT/rules.$family"
	done
}

install_here() { # account
	printf '%s' "$1" | grep -Eqx '[a-z_][a-z0-9_.-]{0,31}' || quit 2 'Name the account that Rookery signs in with.'
	mkdir -p "$KEPT"
	if [ "$1" != root ]; then
		[ -d "$SUDOERS" ] || quit 4 'Install the package sudo first.'
		for verb in save 'apply *' 'confirm *'; do
			printf '%s ALL=(root) NOPASSWD: %s %s\n' "$1" "$(readlink -f "$0")" "$verb"
		done >"$SUDOERS/rookery-firewall"
		chmod 440 "$SUDOERS/rookery-firewall"
	fi
	cat >"$UNITS/rookery-firewall.service" <<UNIT
[Unit]
Description=Firewall rules that Rookery keeps
After=netfilter-persistent.service iptables.service ip6tables.service nftables.service
Before=network-online.target

[Service]
Type=oneshot
ExecStart=$(readlink -f "$0") boot

[Install]
WantedBy=multi-user.target
UNIT
	chmod 644 "$UNITS/rookery-firewall.service"
	systemctl daemon-reload && systemctl enable rookery-firewall.service
}

case "${1-}:$#" in
save:1) save ;;
apply:5) shift && apply "$@" ;;
confirm:3) shift && confirm "$@" ;;
undo:4) shift && undo "$@" ;;
boot:1) boot ;;
install:2) install_here "$2" ;;
*) quit 2 'Use: rookery-firewall save | apply FAMILY HASH SECONDS TOKEN | confirm FAMILY TOKEN | boot | install ACCOUNT' ;;
esac
