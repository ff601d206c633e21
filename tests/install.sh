#!/bin/sh
# tests/install.sh BUILD - what `cmake --install` puts in place works from there.
set -eu
here=$(dirname "$(realpath "$0")")
build=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
DESTDIR="$work" cmake --install "$build" --prefix /usr > "$work/log" || { cat "$work/log" >&2; exit 1; }
for tool in compose-snapshot run-snapshot; do
  "$work/usr/bin/$tool" --version | grep -qE "^$tool [0-9]+\.[0-9]+\.[0-9]+$"
  "$work/usr/bin/$tool" --help | grep -q 'Exit status'
  page="$work/usr/share/man/man1/$tool.1"
  [ -s "$page" ]
  if command -v groff > /dev/null; then
    warnings=$(groff -t -man -Tutf8 -ww "$page" 2>&1 > /dev/null)
    [ -z "$warnings" ] || { echo "$tool.1: $warnings" >&2; exit 1; }
  fi
done
"$work/usr/bin/compose-snapshot" build -q -o "$work/image.bin" --kernel "$build/samples/hello"
"$work/usr/bin/compose-snapshot" inspect "$work/image.bin" | grep -q 'protocol linux-x86_64'
for tool in compose-snapshot run-snapshot; do
  bash -n "$work/usr/share/bash-completion/completions/$tool"
done
# No path of the build machine in what is installed.
if [ -z "${TINTYPE_SANITIZED:-}" ] && grep -rlaF "$build" "$work/usr"; then
  echo "these hold the path of the build" >&2
  exit 1
fi

# Another project finds the package there, composes with it, and again only when an input has changed, whoever names it.
mkdir "$work/project"
cd "$work/project"
mkdir -p root recipes/tree/sub
cp "$build/samples/hello" "$build/samples/hello.initrd" .
for name in 'more initrd' option; do cp hello.initrd "$name"; done
echo > extra
echo one > root/file
# Names that Make, Ninja and CMake have to be told in their own ways.
odd='a b|k=l|[|m%n|(1).o'
IFS='|'
for name in $odd; do echo "$name" > "recipes/tree/sub/$name"; done
unset IFS
ln -s nowhere recipes/tree/link
cat > recipes/image.toml << 'END'
output = "of the recipe"
kernel = "../hello"
initrd = ["../hello.initrd", { dir = "tree" }]
memory = "96M"

[variant.small]
initrd = "../more initrd"
memory = "64M"
END
cat > CMakeLists.txt << 'END'
cmake_minimum_required(VERSION 3.25)
project(other LANGUAGES NONE)
find_package(Tintype 0.1 REQUIRED)
tintype_add_snapshot(image KERNEL hello INITRD hello.initrd INITRD_DIR root CMDLINE "exit=7 a;b" MEMORY 96M CPUS 3
  OUTPUT out/image.bin)
tintype_add_snapshot(plain KERNEL hello OPTIONS --rng-seed=00 --initrd option DEPENDS extra)
tintype_add_snapshot(recipe RECIPE recipes/image.toml CPUS 2 MANIFEST recipe.json)
tintype_add_snapshot(small RECIPE recipes/image.toml VARIANT small OUTPUT "out/s m a l l.bin")
if(EXISTS ${CMAKE_SOURCE_DIR}/odder)
  tintype_add_snapshot(odder KERNEL hello INITRD_DIR odder)
endif()
get_target_property(path image TINTYPE_SNAPSHOT)
file(WRITE ${CMAKE_BINARY_DIR}/path "${path}")
END
compose="$work/usr/bin/compose-snapshot"
# composed WHAT [TARGET]... - a build now composes these and no others.
composed() {
  what=$1
  shift
  cmake --build "$folder" > log 2>&1 || { cat log >&2; exit 1; }
  for target in "$@"; do echo "$target"; done > wanted
  sed -n 's/.*Composing //p' log | sort | cmp -s - wanted ||
    { echo "$generator, after $what: composed $(sed -n 's/.*Composing //p' log | tr '\n' ' ')and not $*" >&2; exit 1; }
}
# changed FILE FILE WHAT
changed() { if cmp -s "$1" "$2"; then echo "$generator: $3 changed nothing" >&2; exit 1; fi; }
# use_package GENERATOR FOLDER
use_package() {
  generator=$1 folder=$2
  cmake -B "$folder" -G "$generator" -DCMAKE_PREFIX_PATH="$work/usr" > log 2>&1 || { cat log >&2; exit 1; }
  composed 'the first build' image plain recipe small
  image=$(cat "$folder/path")
  "$compose" build -q -o by-hand --kernel hello --initrd hello.initrd --initrd-dir root --cmdline 'exit=7 a;b' \
    --memory 96M --cpus 3
  cmp by-hand "$image"
  "$compose" build -q -o by-hand.small --recipe recipes/image.toml --variant small
  cmp by-hand.small "$folder/out/s m a l l.bin"
  "$compose" build -q -o by-hand.recipe --recipe recipes/image.toml --cpus 2 --manifest by-hand.json
  cmp by-hand.recipe "$folder/recipe.bin"
  cmp by-hand.json "$folder/recipe.json"
  "$compose" verify "$folder/recipe.bin" --manifest "$folder/recipe.json" > /dev/null
  composed 'nothing'
  sleep 1
  touch hello && composed 'a touched kernel' image plain recipe small
  cmp by-hand "$image"
  touch hello.initrd && composed 'a touched initrd' image recipe
  touch 'more initrd' && composed 'a touched initrd of a variant' small
  touch recipes/image.toml && composed 'a touched recipe' recipe small
  cmp by-hand.recipe "$folder/recipe.bin"
  composed 'nothing once more'
  echo "two for $folder" > root/file && composed 'a changed file of a directory' image
  changed by-hand "$image" 'a changed file of a directory'
  echo three > "root/of $folder" && composed 'a new file in a directory' image
  IFS='|'
  for name in $odd; do
    unset IFS
    touch "recipes/tree/sub/$name" && composed "a touched file '$name' that only the recipe's directory names" recipe
  done
  echo two > recipes/tree/sub/more && composed "a new file in the recipe's directory" recipe
  changed by-hand.recipe "$folder/recipe.bin" "a new file in the recipe's directory"
  rm recipes/tree/sub/more && composed 'a file gone from there' recipe
  cmp by-hand.recipe "$folder/recipe.bin"
  ln -sfn elsewhere recipes/tree/link && composed 'another link there' recipe
  changed by-hand.recipe "$folder/recipe.bin" 'another link'
  ln -sfn nowhere recipes/tree/link && composed 'the first link there' recipe
  touch option && composed 'a touched file under OPTIONS' plain
  touch extra && composed 'a touched file under DEPENDS' plain
  touch "$compose" && composed 'another compose-snapshot' image plain recipe small
  composed 'nothing after all'
  # Names that CMake does not pass on: rather too often than too seldom.
  for name in 'c#d' 'e$f' g::h 'i\x2dj'; do
    mkdir odder
    echo "$name" > "odder/$name"
    cmake -B "$folder" > log 2>&1 || { cat log >&2; exit 1; }
    composed "the name $name" odder
    touch "odder/$name" && composed "a touched file '$name'" odder
    rm -r odder
  done
  cmake -B "$folder" > log 2>&1 || { cat log >&2; exit 1; }
  composed 'nothing odd any more'
}
use_package Ninja b
if command -v make > /dev/null; then
  use_package 'Unix Makefiles' m
else
  echo 'make is not installed: a project with Makefiles was not tried'
fi
[ ! -e 'recipes/of the recipe' ] || { echo 'OUTPUT did not take the place of the output in the recipe' >&2; exit 1; }
echo 'tintype_add_snapshot(wrong MEMORY 1G)' >> CMakeLists.txt
if cmake -B b > log 2>&1; then echo "a snapshot of nothing was taken" >&2; exit 1; fi
grep -q 'neither RECIPE nor KERNEL' log

# The same with Tintype as a subdirectory: composed by the compose-snapshot that is built there, without our tests and
# samples. Building it once more takes too long here, so the commands are read.
mkdir sub
cat > sub/CMakeLists.txt << 'END'
cmake_minimum_required(VERSION 3.25)
project(other LANGUAGES NONE)
add_subdirectory(${TINTYPE} tintype EXCLUDE_FROM_ALL)
tintype_add_snapshot(image RECIPE image.toml)
END
cmake -S sub -B s -G Ninja -DTINTYPE="$here/.." > log 2>&1 || { cat log >&2; exit 1; }
ninja -C s -t commands all > commands
grep -q -- '-o tintype/bin/compose-snapshot' commands
tail -1 commands | grep -q 'tintype/bin/compose-snapshot build .*--recipe .*/sub/image.toml .*--depfile '
if grep -qE '_test\.cc|samples/' commands; then
  echo "a project around Tintype builds its tests or samples" >&2
  exit 1
fi
echo "installed and used from there"
