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
# How long a word may be, iptables knows: a bound here would cost as much as the whole change.
ADDRESS='[0-9a-f.:]+(/[0-9]+)?'
NAME='[A-Za-z0-9][A-Za-z0-9_.-]*'
MATCHES="( -s $ADDRESS)?( -d $ADDRESS)?( -i $NAME)?( -o $NAME)?( -p (tcp|udp|icmp|ipv6-icmp))?"
MATCHES="$MATCHES( -m (tcp|udp) --dport [0-9]+)?( -m conntrack (! )?--ctstate (RELATED,ESTABLISHED|DNAT))?"
MATCHES="$MATCHES( -m comment --comment ([A-Za-z0-9_-]+|\"[A-Za-z0-9 ._:/@-]+\"))?"
FILTERS='( -j (ACCEPT|DROP|RETURN|REJECT --reject-with icmp6?-port-unreachable))?'
DNATS=' -j (ACCEPT|RETURN|DNAT --to-destination ([0-9a-f.:]|\[|\])+)'
SNATS=" -j (ACCEPT|RETURN|MASQUERADE|SNAT --to-source $ADDRESS)"
HOOKS='FORWARD -j ROOKERY-FORWARD|INPUT -j ROOKERY-INPUT|PREROUTING -j ROOKERY-DNAT'
HOOKS="$HOOKS|OUTPUT -j ROOKERY-DNAT|POSTROUTING -j ROOKERY-SNAT"
FIRST='FORWARD 1 -j ROOKERY-FORWARD|INPUT 1 -j ROOKERY-INPUT|PREROUTING 1 -j ROOKERY-DNAT'
FIRST="$FIRST|OUTPUT 1 -j ROOKERY-DNAT|POSTROUTING 1 -j ROOKERY-SNAT"
ALLOWED="\\*filter|\\*nat|COMMIT|:$OURS - \\[0:0\\]|-[FX] $OURS|-D ($HOOKS)|-I ($FIRST)"
ALLOWED="$ALLOWED|-A ROOKERY-OWNER$MATCHES|-A ROOKERY-(FORWARD|INPUT)$MATCHES$FILTERS"
ALLOWED="$ALLOWED|-A ROOKERY-DNAT$MATCHES$DNATS|-A ROOKERY-SNAT$MATCHES$SNATS"

quit() { # status, sentence
	printf '%s\n' "$2" >&2
	exit "$1"
}

hold() { # one at a time; others wait for 10 seconds
	[ -d "$STATE" ] && [ -d "$KEPT" ] || mkdir -p "$STATE" "$KEPT"
	exec 9>"$STATE/lock"
	flock -w 10 9 || quit 5 'Somebody else changes the firewall now.'
}

check_family() {
	case "$1" in 4) TOOL=iptables ;; 6) TOOL=ip6tables ;; *) quit 2 'The family is 4 or 6.' ;; esac
}

check_token() {
	case "$1" in '' | *[!0-9a-f]*) quit 2 'This is no token.' ;; esac
	[ "${#1}" -ge 16 ] && [ "${#1}" -le 64 ] || quit 2 'This is no token.'
}

look() { # file that a -save wrote → how many rules of others it has, and whether chains of ours (1 or 0)
	[ -s "$1" ] || { echo 0 0 && return; }
	awk '/^:ROOKERY-/ { ours = 1 }
		/^(\[[0-9]+:[0-9]+\] )?-A/ && !/ROOKERY-/ { count++ }
		END { print count + 0, ours + 0 }' "$1"
}

# The back-end that holds our chains, else the one that holds rules of others, else the default one.
choose() { # family → P, what it has in the file THERE, and foreign rules in each back-end as N and L
	check_family "$1"
	P='' N=0 L=0 THERE=$STATE/nft.$1 legacy=$STATE/legacy.$1
	: >"$THERE"
	: >"$legacy"
	command -v "$TOOL-save" >/dev/null || return 0
	if ! command -v "$TOOL-nft-save" >/dev/null || ! command -v "$TOOL-legacy-save" >/dev/null; then
		P=$TOOL
		"$TOOL-save" -c >"$THERE" || echo broken >>"$THERE"
		return 0
	fi
	"$TOOL-nft-save" -c >"$THERE" 2>/dev/null || echo broken >>"$THERE"
	# Asking the legacy program would load its modules: only where a table of it is there.
	names=/proc/net/${TOOL%tables}_tables_names
	if [ -e "$names" ] && read -r _ <"$names"; then
		"$TOOL-legacy-save" -c >"$legacy" || echo broken >>"$legacy"
	fi
	N=$(look "$THERE") L=$(look "$legacy")
	ours=${N#* }${L#* } N=${N% *} L=${L% *}
	if [ "$ours" = 00 ] && [ "$((N > 0))" = "$((L > 0))" ]; then
		case "$("$TOOL" --version)" in *legacy*) ours=01 ;; esac
	elif [ "$ours" = 00 ] && [ "$L" -gt 0 ]; then
		ours=01
	fi
	P=$TOOL-nft
	[ "$ours" != 01 ] || P=$TOOL-legacy THERE=$legacy
}

tables() { # the two tables that we write, as `choose` found them; with the word plain, without counters
	awk '/^broken$|^# Table .(filter|nat). is incompatible/ { bad = 1 }
		/^\*/ { here = $0 }
		here == (FNR == NR ? "*filter" : "*nat") {
			if (plain) sub(/^\[[0-9]+:[0-9]+\] /, "")
			print
		}
		END { exit bad }' plain="${1-}" "$THERE" "$THERE"
}

digest() { # of all lines with our prefix
	sum=$(sed -n '/ROOKERY-/{s/ \[[0-9]*:[0-9]*\]$//;p;}' "$1" | sha256sum)
	echo "${sum%% *}"
}

# Make our chains and the jumps into them what they are in a file that `tables` wrote.
bring_back() { # file
	"$P-save" -t filter >"$STATE/now" && "$P-save" -t nat >>"$STATE/now"
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
		printf '%s\n' "$P" >"$STATE/program.$family"
		[ -z "$P" ] || tables || quit 4 "$P-save failed."
	done
	printf 'boot %s\n' "$(systemctl is-enabled rookery-firewall.service 2>/dev/null || echo no)"
}

# Look whether all is as it was read, and start the dead man's switch.
arm() { # family, hash of what was read, seconds, token, the back-end of that time
	choose "$1"
	[ "$P" = "$5" ] || quit 7 'The back-end was changed since it was read.'
	tables plain >"$STATE/before.$1" || quit 4 "$P-save failed."
	[ "$(digest "$STATE/before.$1")" = "$2" ] || quit 7 'The rules were changed since they were read.'
	printf '%s' "$4" >"$STATE/pending.$1"
	setsid "$0" undo "$1" "$4" "$3" </dev/null >/dev/null 2>&1 9>&- &
}

apply() { # family, hash of what was read, seconds, token; the text is on stdin
	hold
	check_family "$1"
	check_token "$4"
	case "$3" in [1-9] | [1-9][0-9]) ;; *) quit 2 'The time is 1 to 99 seconds.' ;; esac
	[ ! -e "$STATE/pending.$1" ] || quit 5 'An earlier change waits to be confirmed.'
	head -c "$MOST" >"$STATE/text"
	if grep -Evxq "$ALLOWED" "$STATE/text"; then
		quit 3 "Refused: $(grep -Evxn -m 1 "$ALLOWED" "$STATE/text" | cut -c 1-200)"
	fi
	P=''
	[ ! -e "$STATE/program.$1" ] || read -r P <"$STATE/program.$1" || true
	[ -n "$P" ] || choose "$1"
	[ -n "$P" ] || quit 4 "$TOOL is not installed."
	rm -f "$STATE/refused"
	# Nothing happens before a COMMIT: what stands before the first is read while we look at what is there.
	if {
		sed '/^COMMIT$/,$d' "$STATE/text"
		(arm "$@" "$P") || { echo "$?" >"$STATE/refused" && exit 1; }
		sed -n '/^COMMIT$/,$p' "$STATE/text"
	} | "$P-restore" -w 5 --noflush 2>"$STATE/said"; then
		echo applied
	elif [ -e "$STATE/refused" ]; then
		exit "$(cat "$STATE/refused")"
	else
		cat "$STATE/said" >&2
		bring_back "$STATE/before.$1" && rm -f "$STATE/pending.$1"
		quit 4 "$P-restore failed; what it had changed was undone."
	fi
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
	tables plain | grep -E '^\*|ROOKERY-' >>"$KEPT/rules.new"
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

connections() { # IPv4 addresses: the TCP connections that stand and have one of them
	for one in "$@"; do
		printf '%s' "$one" | grep -Eqx '[0-9]{1,3}([.][0-9]{1,3}){3}' || quit 2 'Name IPv4 addresses.'
	done
	mkdir -p "$STATE"
	if [ -r /proc/net/nf_conntrack ]; then
		cat /proc/net/nf_conntrack
	elif command -v conntrack >/dev/null; then
		conntrack -L -p tcp 2>/dev/null
	else
		quit 4 'This machine does not tell which connections stand.'
	fi >"$STATE/connections.$$"
	printf 'rookery-connections 1\n'
	wanted=$(printf '%s|' "$@" | sed 's/|$//; s/[.]/[.]/g')
	grep -E " ESTABLISHED .*src=($wanted) " "$STATE/connections.$$" | head -n 1000 || true
	rm -f "$STATE/connections.$$"
}

install_here() { # account
	printf '%s' "$1" | grep -Eqx '[a-z_][a-z0-9_.-]{0,31}' || quit 2 'Name the account that Rookery signs in with.'
	mkdir -p "$KEPT"
	if [ "$1" != root ]; then
		[ -d "$SUDOERS" ] || quit 4 'Install the package sudo first.'
		for verb in save 'apply *' 'confirm *' 'connections *'; do
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
connections:[2-9] | connections:1[0-7]) shift && connections "$@" ;;
undo:4) shift && undo "$@" ;;
boot:1) boot ;;
install:2) install_here "$2" ;;
*) quit 2 'Use: rookery-firewall save | apply FAMILY HASH SECONDS TOKEN | confirm FAMILY TOKEN | connections ADDRESS… | boot | install ACCOUNT' ;;
esac
