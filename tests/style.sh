#!/bin/sh
# tests/style.sh - what the house asks of its sources, as far as a program can tell. CONTRIBUTING.md says why.
set -u
cd "$(dirname "$0")/.." || exit 1
problems=0
problem() {
  echo "$1" >&2
  problems=$((problems + 1))
}

sources() { find formats layouts composer runner samples tests -name '*.cc' -o -name '*.h' -o -name '*.c' | sort; }

if command -v clang-format > /dev/null; then
  # shellcheck disable=SC2046
  clang-format --dry-run -Werror $(sources) || problem 'not formatted: run clang-format -i on the files above'
else
  echo 'clang-format is not installed: formatting was not checked'
fi

# A third-party header is included by exactly one source, so that one file catches its errors and knows its types.
for header in LIEF/ELF.hpp LIEF/PE.hpp archive.h cxxopts.hpp zstd.h openssl/ lzma.h lz4 bzlib.h lzo/ nlohmann/ libfdt.h seccomp.h zlib.h toml++/; do
  for part in 'formats layouts' composer runner; do
    # shellcheck disable=SC2086
    files=$(grep -lF "#include <$header" -r $part)
    count=$(printf '%s' "$files" | grep -c .)
    # zlib serves two formats: the CRC32 of IGVM headers, and gzip.
    most=1
    [ "$header" = zlib.h ] && most=2
    [ "$count" -le "$most" ] || problem "<$header is included in $count files of $part: $files"
    printf '%s' "$files" | grep -q '\.h$' && problem "<$header is included by a header: $files"
  done
done

# The arrows: formats <- layouts <- composer, and formats <- runner.
arrow() {
  found=$(grep -rnE "#include \"($2)/" "$1" | head -5)
  [ -z "$found" ] || problem "$1 may not include $2: $found"
}
arrow formats 'layouts|composer|runner'
arrow layouts 'composer|runner'
arrow composer runner
arrow runner 'layouts|composer'

# Nothing below main prints or exits, and nothing upstream of a digest keeps an unordered container or a clock.
found=$(grep -rnE '\b(printf|puts|std::cout|std::cerr|std::exit|exit)\(' formats layouts | grep -vE 's?n?printf\(.*buf' | head -5)
[ -z "$found" ] || problem "formats and layouts neither print nor exit: $found"
found=$(grep -rnE 'unordered_(map|set)|std::chrono|random_device|\btime\(' formats layouts | head -5)
[ -z "$found" ] || problem "an unordered container, a clock or randomness upstream of a digest: $found"

long=$(sources | grep -v '^tests/' | grep -v '_defs.h$' | xargs wc -l | awk '$2 != "total" && $1 > 400 { print $2 " (" $1 ")" }')
[ -z "$long" ] || problem "over 400 lines: $long"

for script in $(find tests samples .ci -name '*.sh' -o -name run -type f | sort) tests/bad/[0-9]*; do
  sh -n "$script" || problem "$script: not a valid shell script"
done

[ "$problems" -eq 0 ] && echo 'the style is as it should be'
[ "$problems" -eq 0 ]
