#!/bin/sh
# tests/pipelines.sh SAMPLES COMPOSE - the examples of samples/pipelines/ do what they say.
set -eu
here=$(dirname "$(realpath "$0")")/../samples/pipelines
samples=$(realpath "$1")
compose=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cp "$samples/hello" vmlinuz
cp "$samples/hello.initrd" initrd.img
cp "$here/Makefile" .
"$compose" build -q -o by-hand --kernel vmlinuz --initrd initrd.img --cmdline 'exit=7 quiet' --memory 96M --cpus 3

image() { make -s COMPOSE="$compose" CMDLINE='exit=7 quiet' MEMORY=96M CPUS=3 "$@" > log 2>&1; }
want() { "$@" || { cat log >&2; echo "pipelines.sh: $* did not succeed" >&2; exit 1; }; }
want image
cmp by-hand out/image.bin
cp -p out/image.bin before
sleep 1
want image
[ ! out/image.bin -nt before ] || { echo "pipelines.sh: nothing changed, and it was composed again" >&2; exit 1; }
touch initrd.img
want image
[ out/image.bin -nt before ] || { echo "pipelines.sh: a touched initrd composed nothing" >&2; exit 1; }
cmp by-hand out/image.bin
# A setting is an input.
want image CPUS=2
if cmp -s by-hand out/image.bin; then echo "pipelines.sh: another number of vCPUs changed nothing" >&2; exit 1; fi
want image
cmp by-hand out/image.bin

# The agreed digest.
if "$compose" --help | grep -q '^  measure '; then
  want image accept
  grep -qE '^native sha256:[0-9a-f]{64}$' native.digest
  want image check
  if image CPUS=2 check; then echo "pipelines.sh: another machine has the agreed digest" >&2; exit 1; fi
fi

# The workflow is YAML, and each of its scripts is a shell's.
if python3 -c 'import yaml' 2> /dev/null; then
  python3 - "$here/github-actions.yml" << 'END'
import subprocess, sys, yaml
workflow = yaml.safe_load(open(sys.argv[1]))
steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
scripts = [step["run"] for step in steps if "run" in step]
assert len(scripts) >= 4, "scripts are missing"
for step in steps:
    assert ("run" in step) != ("uses" in step), step
for script in scripts:
    subprocess.run(["bash", "-n"], input=script.encode(), check=True)
END
else
  echo "python3-yaml is not installed: the workflow was not read"
fi
echo "the Makefile composes what changed, and nothing else"
