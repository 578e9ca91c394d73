#!/bin/bash
# Makes tests/vectors/interop/node anew: a node with a witness, five cases, and keys handed over twice, by the command line alone.
# Run it where `vienna` is this checkout's; it takes a minute.  The test beside it says what has to come out.
set -eu
umask 077
out=$(realpath "$(dirname "$0")/../vectors/interop")/node
work=$(mktemp -d)
cd "$work"
pids=
trap 'kill $pids 2>/dev/null || true; wait; rm -rf "$work"' EXIT
export VIENNA_PASSPHRASE_FILE=$work/passphrase VIENNA_WITNESS_POLICY=witnesses.policy VIENNA_WITNESS_PERIOD=1s
echo "a passphrase for vectors" > passphrase

vienna witness init witness --name witness.example/emil --unsealed
vienna init node --insecure-dev-keys --listen 127.0.0.1:17443
cat > node/witnesses.policy <<END
witness emil $(cat witness/key.pub) http://127.0.0.1:17480
group enough 1 emil
quorum enough
END
vienna witness add-log witness "$(sed -n "s/^node_key *= *'\(.*\)'/\1/p" node/operator.vienna)"
vienna witness serve witness --listen 127.0.0.1:17480 & pids="$pids $!"
sleep 1
vienna serve node > node.out & pids="$pids $!"
until grep -q "vienna ready" node.out; do sleep 0.2; done
operator() { vienna --credential node/operator.vienna "$@"; }
known() { for key in $(operator --json keys list | grep -o '"verifier": "[^"]*"' | cut -d'"' -f4); do vienna witness add-log witness "$key" || true; done; }
operator tenant create belvedere --admin rosa --person "Rosa M."
operator tenant create schoenbrunn --admin otto --person "Otto"
known
vienna enrol rosa.invitation

mkdir policy notes
cat > policy/bundle.toml <<END
[bundle]
name = "notes"
description = "agents keep notes; what is published is looked at by two"

[actions."note.write"]
executor = "scribbler"

[actions."note.write".params]
path = "string"
content = "string"

[actions."note.write".observe]
kind = "file_digest"
path = "{params.path}"
content = "{params.content}"
END
cat > policy/notes.cedar <<END
@id("drafts")
@tier("T0")
permit (principal in Role::"writer", action == Action::"note.write", resource)
when { context.params.path like "drafts/*" };

@id("published")
@tier("T2")
@quorum("1 of role:editor and any 1")
@ttl("10m")
permit (principal in Role::"writer", action == Action::"note.write", resource)
when { context.params.path like "published/*" };

@id("no-way-up")
@reason("a path with .. leaves the directory it seems to be in")
forbid (principal, action == Action::"note.write", resource)
when { context.params.path like "*..*" };
END
rosa() { vienna --credential rosa.vienna "$@"; }
rosa policy push policy --activate
rosa member add ada --kind agent --person "Ada's team" --role writer --owner rosa
rosa member add clara --kind approver --person "Clara" --role editor
rosa member add dora --kind approver --person "Dora" --role editor
rosa member add scribbler --kind executor --person "Sibylle"
rosa member add emil --kind verifier --person "Emil"
join() {
  fingerprint=$(vienna enrol "$@" | sed -n 's/^Your fingerprint.*: //p')
  rosa member confirm "${1%.invitation}" --fingerprint "$fingerprint"
}
for person in clara dora; do join $person.invitation; done
for machine in ada scribbler emil; do join $machine.invitation --no-passphrase; done
cat > scribbler.toml <<END
credential = "scribbler.vienna"

[actions."note.write"]
kind = "file"
op = "write"
params = { path = "path", content = "text" }
resource = "note/{path}"
root = "$work/notes"
path = "{path}"
content = "{content}"
END
cat > emil.toml <<END
credential = "emil.vienna"

[checks."note.write"]
kind = "file_digest"
params = { path = "path", content = "text" }
resource = "note/{path}"
root = "$work/notes"
path = "{path}"
expected = { digest_of = "content" }
END
mkdir notes/drafts notes/published
vienna executor run --config scribbler.toml & pids="$pids $!"
vienna verifier run --config emil.toml & pids="$pids $!"

write() { vienna --credential ada.vienna --json propose note.write "note/$1" -p path="$1" -p content="$2" --purpose "keep the public informed"; }
first_of() { python -c 'import json, sys; print(json.loads(sys.stdin.read().splitlines()[-1])["case"])'; }
granted=$(write drafts/monday "rain, again" | first_of)
operator keys rotate
operator keys rotate --log belvedere
operator keys rotate --log belvedere --issuer
known
denied=$( (write ../secrets x || true) | first_of)
operator keys retire --log belvedere
operator keys rotate --compromised
known
write published/review "The west wing is finished." > approved.json & agent=$!
until vienna --credential clara.vienna approvals list | grep -q review; do sleep 0.2; done
case=$(vienna --credential clara.vienna --json approvals list | python -c 'import json, sys; print(json.load(sys.stdin)["cases"][0]["case"])')
vienna --credential clara.vienna approvals ask "$case" --question "who finished it?"
vienna --credential ada.vienna answer "$case" --text "Sibylle, on Friday"
vienna --credential clara.vienna approvals approve "$case" --ttl 5m --reason "read it" --yes
vienna --credential dora.vienna approvals approve "$case" --yes
wait $agent
vienna --credential dora.vienna envelope sign --action note.write --agent ada --resource 'note/published/*' -p 'path: under published' \
  -p 'content: anything' --count 2 --until 1h --tier T2 --reason "the review of the west wing" --yes
write published/second "So is the east wing." > advance.json & agent=$!
until vienna --credential clara.vienna approvals list | grep -q second; do sleep 0.2; done
advance=$(vienna --credential clara.vienna --json approvals list | python -c 'import json, sys; print(json.load(sys.stdin)["cases"][0]["case"])')
vienna --credential clara.vienna approvals approve "$advance" --yes
wait $agent
# Looked at as policy wants it: not by its author, after a second's reading, by others when nobody came, half of it by a seat handed on.
sed -i 's/^@quorum("1 of role:editor and any 1")/@quorum("3 of role:editor")\n@exclude("author")\n@escalate("2 of role:editor within 1h")/' policy/notes.cedar
printf '[tiers.T2]\napproval_deadline = "4s"\nreading_time = "1s"\n' >> policy/bundle.toml
rosa policy push policy --activate
rosa member add hugo --kind approver --person "Hugo"
join hugo.invitation
vienna --credential dora.vienna seat delegate hugo --until 2d --reason "on holiday"
write published/third "And the roof." > reviewed.json & agent=$!
until rosa tail --tag case.escalated | grep -q escalated; do sleep 0.5; done
reviewed=$(vienna --credential clara.vienna --json approvals list | python -c 'import json, sys; print(json.load(sys.stdin)["cases"][0]["case"])')
vienna --credential clara.vienna approvals approve "$reviewed" --yes
vienna --credential hugo.vienna approvals approve "$reviewed" --yes
wait $agent
sleep 65  # a minute, after which a witness that did not know a log is asked about it again, and some periods

rm -rf "$out"
mkdir -p "$out"
rosa evidence "$granted" -o "$out/granted.evidence"
rosa evidence "$denied" -o "$out/denied.evidence"
rosa evidence "$case" -o "$out/approved.evidence"
rosa evidence "$advance" -o "$out/advance.evidence"
rosa evidence "$reviewed" -o "$out/reviewed.evidence"
vienna ledger export node --all --tiles "$out/mirror"
vienna ledger proof node --tenant belvedere --index 17 -o "$out/belvedere.tlog-proof"
cp node/witnesses.policy "$out"
rosa --json whoami | python -c '
import json, sys
told = json.load(sys.stdin)
keys = {"node": told["node"], "node_before": told["node_before"], "belvedere": told["log"], "belvedere_before": told["log_before"]}
print(json.dumps({"made_by": "tests/interop/make_node_vectors.sh", **keys}, indent=2))' > "$out/keys.json"
chmod -R u=rwX,go=rX "$out"
