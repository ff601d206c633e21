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
expect '--snp-launch --snp-processor --snp-zero-pages' verify image.bin --snp
expect '' measure image.bin --cpus ''
expect image.bin extract image.bin -o im
expect image.bin build --depfile im

# Every value that is offered is the program's own: it is no wrong usage, and another one is.
values() {
  local command=$1 option=$2 value least=$3
  shift 3
  mapfile -t found < <(offers _compose_snapshot "$compose" "$command" image.bin "$option" '')
  ((${#found[@]} >= least)) || { echo "$command $option: ${#found[@]} values are offered: ${found[*]}" >&2; exit 1; }
  for value in "${found[@]}" wrong; do
    local status=0
    "$compose" "$command" "$@" "$option" "$value" > log 2>&1 || status=$?
    if [[ $value == wrong ]]; then ((status == 2)); else ((status < 2)); fi ||
      { cat log >&2; echo "$command $option $value: exit status $status" >&2; exit 1; }
  done
}
values measure --platform 5 image.bin
values explain --platform 5 image.bin
for command in measure explain; do
  values $command --snp-launch 3 image.bin --platform snp
  values $command --snp-processor 5 image.bin --platform snp --snp-launch kvm
  values $command --snp-zero-pages 2 image.bin --platform snp
  values $command --tdx-order 2 image.bin --platform tdx
done
values build --gic 2 -q -o out --kernel "$samples/hello"
values build --protocol 4 -q -o out --kernel "$samples/hello"
values build --initrd-compress 2 -q -o out --kernel "$samples/hello" --initrd-dir root

# Every option of the help is offered, and nothing else; the same of commands.
commands=$(offers _compose_snapshot "$compose" '' | grep -v '^-')
for command in $commands; do
  help=$("$compose" "$command" --help | sed '/^Examples:/q' | grep -oE '^ {2}(-[a-z], |    )--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)
  [[ $(grep -c . <<< "$help") -ge 2 ]] || { echo "$command --help has no options" >&2; exit 1; }
  same "$help" "$(offers _compose_snapshot "$compose" "$command" --)" "not the options of $command --help"
  # Those of the usage are among them.
  for option in $("$compose" "$command" --help | sed -n '/^Usage:/,/^$/p' | grep -oE -- '--[a-z-]+'); do
    grep -qxe "$option" <<< "$help" || { echo "$command: $option of the usage is not offered" >&2; exit 1; }
  done
done
[[ $(grep -c . <<< "$commands") -ge 7 ]] || { echo "only these commands are offered: $commands" >&2; exit 1; }
same "$({ "$compose" --help | grep -oE '^  compose-snapshot [a-z]+' | sed 's/.* //'; printf '%s\n' --help --version; } | sort -u)" \
  "$(offers _compose_snapshot "$compose" '')" 'not the commands of --help'
same "$("$run" --help | grep -oE '^  (-h, )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)" \
  "$(offers _run_snapshot "$run" --)" 'not the options of run-snapshot --help'
same image.bin "$(offers _run_snapshot "$run" i)" 'not the image'
echo 'completed as expected'
