# cmake -DDEPFILE=FILE -DGENERATOR=NAME -P TintypeDepfile.cmake - for a depfile of compose-snapshot that CMake will pass on.
#
# CMake 3.25 turns '\' and ':' of names into other names, and for Ninja forgets to escape '#' and '$'. In place of files with
# such names goes one that does not exist, so that the snapshot is composed each time and never is out of date.
file(READ "${DEPFILE}" text)
# CMake writes the empty rules itself.
string(REGEX REPLACE "\n\n.*" "\n" text "${text}")
set(bad "\\\\[^ #\n]")
if(GENERATOR MATCHES Ninja)
  set(bad "\\$|\\\\[^ \n]")
endif()
string(REGEX REPLACE "\n  [^\n]*(${bad})[^\n]*" "" passed "${text}")
if(NOT passed STREQUAL text)
  string(REGEX REPLACE "( \\\\)?\n$" "" passed "${passed}")
  string(APPEND passed " \\\n  /nonexistent/name-that-cmake-cannot-pass-on\n")
endif()
file(WRITE "${DEPFILE}" "${passed}")
