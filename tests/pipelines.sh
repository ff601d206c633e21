#!/bin/sh
# tests/pipelines.sh SAMPLES COMPOSE - the examples of samples/pipelines/ do what they say, and depfiles tell Make and Ninja
# what was read.
set -eu
here=$(dirname "$(realpath "$0")")/..
samples=$(realpath "$1")
compose=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() {
  [ ! -s log ] || cat log >&2
  echo "pipelines.sh: $*" >&2
  exit 1
}
if ! command -v make > /dev/null || ! command -v ninja > /dev/null; then
  echo 'SKIPPED: make and ninja are needed: apt-get install make ninja-build'
  exit 77
fi
cp "$samples/hello" vmlinuz
cp "$samples/hello.initrd" initrd.img
cp "$here/samples/pipelines/Makefile" .
"$compose" build -q -o by-hand --kernel vmlinuz --initrd initrd.img --cmdline 'exit=7 quiet' --memory 96M --cpus 3

image() { make -s COMPOSE="$compose" CMDLINE='exit=7 quiet' MEMORY=96M CPUS=3 "$@" > log 2>&1; }
want() { "$@" || fail "$* did not succeed"; }
refuse() { if "$@"; then fail "$* succeeded"; fi; }
# composes IMAGE WHAT COMMAND... - the command composes; composes_not: it does not.
composes() {
  file=$1 what=$2
  shift 2
  [ ! -e "$file" ] || cp -p "$file" before
  want "$@"
  [ ! -e before ] || [ "$file" -nt before ] || fail "$what composed nothing"
}
composes_not() {
  file=$1 what=$2
  shift 2
  cp -p "$file" before
  want "$@"
  [ ! "$file" -nt before ] || fail "$what, and it was composed again"
}

composes out/image.bin 'the first make' image
cmp by-hand out/image.bin
sleep 1
composes_not out/image.bin 'nothing changed' image
touch initrd.img
composes out/image.bin 'a touched initrd' image
cmp by-hand out/image.bin
composes_not out/image.bin 'nothing changed' image
rm out/image.d
composes out/image.bin 'a lost depfile' image
# A setting is an input.
composes out/image.bin 'another number of vCPUs' image CPUS=2
if cmp -s by-hand out/image.bin; then fail 'another number of vCPUs changed nothing'; fi
composes out/image.bin 'the first number of vCPUs' image
cmp by-hand out/image.bin

# A word of the shell is what the setting is, and an initrd is not needed.
want image CMDLINE="exit=7 a='b \$\$c'" INITRD=
"$compose" build -q -o quoted --kernel vmlinuz --cmdline "exit=7 a='b \$c'" --memory 96M --cpus 3
cmp quoted out/image.bin
want image

# The agreed digest.
refuse image check
grep -q 'run make accept' log
want image accept
[ "$(cat native.digest)" = "$("$compose" measure by-hand --platform native)" ] || fail 'another digest was accepted'
grep -qE '^native sha256:[0-9a-f]{64}$' native.digest
want image check
refuse image CPUS=2 check
grep -q 'is another snapshot, or was changed' log
want image check

# An image that was changed on its way, in a page of the initrd's.
tamper() {
  page=$("$compose" inspect "$1" --json | python3 -c '
import json, sys
print(next(r["file_offset"] for r in json.load(sys.stdin)["regions"] if r["name"] == "initrd"))')
  cp -p "$1" good
  printf changed | dd of="$1" bs=1 seek="$page" conv=notrunc 2> /dev/null
  ! cmp -s "$1" good
}
want image verify
if command -v python3 > /dev/null; then
  tamper out/image.bin
  refuse image verify
  grep -q 'is another snapshot, or was changed' log
  mv good out/image.bin
  want image verify
fi

# With a recipe, whose files Make learns of from the depfile.
mkdir -p recipes/tree/sub
odd='a b|c#d|e$f$|g::h|i\x2dj|k=l|[|m%n|(1).o|@{},+~-!|é'
IFS='|'
for name in $odd; do echo "$name" > "recipes/tree/sub/$name"; done
unset IFS
ln -s nowhere recipes/tree/link
cat > recipes/image.toml << 'END'
kernel = "../vmlinuz"
initrd = ["../initrd.img", { dir = "tree" }]
END
recipe() { image RECIPE=recipes/image.toml OUT=of-recipe; }
composes of-recipe/image.bin 'a recipe' recipe
"$compose" build -q -o by-hand.recipe --recipe recipes/image.toml
cmp by-hand.recipe of-recipe/image.bin
# A build file for Ninja, once with its own store of dependencies and once without.
for deps in '' 'deps = gcc'; do
  cat << END
rule compose$deps
  command = $compose build -q -o \$out --depfile \$out.d --recipe recipes/image.toml
  depfile = \$out.d
  $deps
build image$deps: compose$deps
END
done | sed 's/\(compose\|image\)deps = gcc/\1.stored/g' > build.ninja
with_ninja() { ninja "$1" > log 2>&1; }
for file in image image.stored; do
  composes "$file" 'the first ninja' with_ninja "$file"
  cmp by-hand.recipe "$file"
done
# all WORD [WHAT] - all three compose, or not.
all() {
  "$1" of-recipe/image.bin "${2:-nothing changed}, for Make" recipe
  "$1" image "${2:-nothing changed}, for Ninja" with_ninja image
  "$1" image.stored "${2:-nothing changed}, for Ninja's store" with_ninja image.stored
}
sleep 1
all composes_not
IFS='|'
for name in $odd; do
  unset IFS
  touch "recipes/tree/sub/$name"
  all composes "touched file '$name'"
done
all composes_not
for file in vmlinuz initrd.img recipes/image.toml; do
  touch "$file"
  all composes "touched $file"
done
rm 'recipes/tree/sub/a b'
all composes 'a file that is gone'
all composes_not
ln -sfn elsewhere recipes/tree/link
all composes 'another link'
echo new > recipes/tree/new
all composes 'a new file'
all composes_not
if cmp -s by-hand.recipe image; then fail 'other files changed nothing'; fi
# What would be a command in Make is refused, and leaves what there was.
cp -p image before
touch 'recipes/tree/;touch ran'
refuse recipe
refuse with_ninja image
grep -q 'tree/;touch ran: --depfile cannot name it' log
cmp before image
[ ! -e ran ]

# The workflow is YAML, and its steps are run in order, with stand-ins for what installs and builds.
if ! python3 -c 'import yaml' 2> /dev/null; then
  echo 'the Makefile does what it says; python3-yaml is not installed, and the workflow was not tried'
  exit 0
fi
mkdir -p ci/boot ci/.tintype steps stubs installed
cp vmlinuz initrd.img ci/boot/
ln -s "$here/cmake" ci/.tintype/cmake
python3 - "$here/samples/pipelines/github-actions.yml" << 'END'
import sys, yaml
workflow = yaml.safe_load(open(sys.argv[1]))
steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
assert all(("run" in step) != ("uses" in step) for step in steps), steps
assert workflow["defaults"]["run"]["shell"] == "bash"
with open("environment", "w") as file:
    for name, value in workflow["env"].items():
        file.write(f"export {name}='{value}'\n")
for step in steps:
    if "run" in step:
        open("steps/" + step["name"], "w").write(step["run"])
END
cat > stubs/dpkg-query << 'END'
#!/bin/sh
echo install ok installed
END
cat > stubs/cmake << END
#!/bin/sh
echo "\$*" >> '$work/cmake-calls'
mkdir -p .tintype/build/bin
cp '$compose' .tintype/build/bin/
END
cat > stubs/install << END
#!/bin/sh
cp "\$1" '$work/installed/'
END
chmod +x stubs/*
step() {
  (cd ci && . ../environment && export GITHUB_WORKSPACE="$PWD" GITHUB_STEP_SUMMARY="$work/summary" &&
    PATH="$work/stubs:$work/installed:$PATH" bash -e -o pipefail "../steps/$1") > log 2>&1
}
want step 'Build Tintype'
# The calls of cmake are about what there is.
grep -q -- '-S .tintype -B .tintype/build .*-DTINTYPE_TESTS=OFF' cmake-calls
grep -q '^option(TINTYPE_TESTS ' "$here/CMakeLists.txt"
grep -q -- '--target compose-snapshot' cmake-calls
rm stubs/*
want step Compose
"$compose" build -q -o by-hand.ci --kernel vmlinuz --initrd initrd.img --cmdline 'console=ttyS0 quiet'
cmp by-hand.ci ci/out/image.bin
want step 'Compose again and compare'
want step Verify
want step Measure
"$compose" measure by-hand.ci --platform native | cmp - ci/out/digests
grep -qxF -f ci/out/digests summary
cp ci/out/digests ci/native.digest
want step 'Compare with the agreed digest'
# What should stop it does.
tamper ci/out/image.bin
refuse step Verify
refuse step 'Compare with the agreed digest'
refuse step 'Compose again and compare'
mv good ci/out/image.bin
want step Verify
cp native.digest ci/
refuse step 'Compare with the agreed digest'
count=$(find steps -type f | wc -l)
[ "$count" -eq 6 ] || fail "$count steps have scripts, and six were run"
echo 'the Makefile and the workflow do what they say, and depfiles name what was read'
