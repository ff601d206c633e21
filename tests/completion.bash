#!/bin/bash
# tests/completion.bash SAMPLES COMPOSE RUN - what bash offers when Tab is pressed, by the completion functions themselves.
set -eu
here=$(dirname "$(realpath "$0")")
samples=$(realpath "$1") compose=$(realpath "$2") run=$(realpath "$3")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$compose" build -q -o image.bin --kernel "$samples/hello" --cmdline quiet
mkdir root
. "$here/../completions/compose-snapshot"
. "$here/../completions/run-snapshot"
compopt() { :; } # only bash's own call of a completion function may use it

# offers FUNCTION WORD... - what is offered for the last word, one a line, sorted.
offers() {
  local function=$1
  shift
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
  "$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  printf '%s\n' "${COMPREPLY[@]}" | sort
}
# expect WANTED WORD... - exactly that, words between single spaces; of compose-snapshot.
expect() {
  local wanted=$1 got
  shift
  got=$(offers _compose_snapshot "$compose" "$@" | tr '\n' ' ')
  [[ ${got% } == "$wanted" ]] || { echo "compose-snapshot $*: '${got% }' is offered, not '$wanted'" >&2; exit 1; }
}
# same WANTED GOT COMPLAINT
same() { diff <(echo "$1") <(echo "$2") || { echo "$3" >&2; exit 1; }; }

expect build bui
expect inspect insp
expect --version --ver
expect '--memory' build -o x --mem
expect '--initrd --initrd-cmdline --initrd-compress --initrd-dir' build --initrd
expect '--json' inspect image.bin --js
expect 'pvh' build --protocol pv
expect 'pvh' build --protocol = pv
expect 'linux-arm64-acpi linux-arm64-dt linux-x86_64 pvh' build --protocol ''
expect 'linux-arm64-acpi linux-arm64-dt linux-x86_64 pvh' build --protocol =
expect 'v2 v3' build --gic ''
expect zstd build --initrd-compress z
expect image.bin build --kernel im
expect image.bin build -o im
expect root build --initrd-dir ''
expect image.bin inspect im
expect '' build --memory ''
expect 'product=' build --smbios prod
expect cmdline extract image.bin --region cmdl
expect 'snp' measure --platform s

# Every option of the help is offered, and nothing else; the same of commands.
same "$("$compose" build --help | sed '/^Examples:/q' | grep -oE '^ {2}(-[a-z], |    )--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)" \
  "$(offers _compose_snapshot "$compose" build --)" 'not the options of build --help'
same "$({ "$compose" --help | grep -oE '^  compose-snapshot [a-z]+' | sed 's/.* //'; printf '%s\n' --help --version; } | sort -u)" \
  "$(offers _compose_snapshot "$compose" '')" 'not the commands of --help'
same "$("$run" --help | grep -oE '^  (-h, )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)" \
  "$(offers _run_snapshot "$run" --)" 'not the options of run-snapshot --help'
same image.bin "$(offers _run_snapshot "$run" i)" 'not the image'
echo 'completed as expected'
