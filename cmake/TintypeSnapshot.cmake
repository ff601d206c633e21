# tintype_add_snapshot(NAME
#   RECIPE FILE | KERNEL FILE      what is composed; with a recipe, KERNEL overrides the recipe's
#   [INITRD FILE...]               joined in this order
#   [INITRD_DIR DIR...]            each becomes an initial RAM disk, after those of INITRD
#   [CMDLINE TEXT] [MEMORY SIZE] [CPUS N]
#   [OPTIONS WORD...]              further words for `compose-snapshot build`, such as --cmdline= for an empty one
#   [DEPENDS FILE|TARGET...]       what a recipe or OPTIONS name
#   [OUTPUT FILE]                  default: NAME.bin in the current binary directory
#   [MANIFEST FILE])               default: none
#
# Adds a target NAME, a part of `all`, whose property TINTYPE_SNAPSHOT is the path of the snapshot. It is composed again when
# a file that is named here changes, or compose-snapshot itself, and only then. Relative inputs are of the current source
# directory, relative outputs of the current binary directory; an input may be a generator expression such as
# $<TARGET_FILE:kernel>. What a recipe names is not read here: list it under DEPENDS.
function(tintype_add_snapshot name)
  set(single RECIPE KERNEL CMDLINE MEMORY CPUS OUTPUT MANIFEST)
  set(multiple INITRD INITRD_DIR OPTIONS DEPENDS)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "${single}" "${multiple}")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tintype_add_snapshot(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "tintype_add_snapshot(${name}): these have no value: ${arg_KEYWORDS_MISSING_VALUES}")
  endif()
  if(NOT arg_RECIPE AND NOT arg_KERNEL)
    message(FATAL_ERROR "tintype_add_snapshot(${name}): neither RECIPE nor KERNEL is given: say what is composed")
  endif()

  set(words "")
  set(inputs "")
  foreach(option RECIPE KERNEL INITRD)
    string(TOLOWER ${option} flag)
    foreach(file IN LISTS arg_${option})
      _tintype_input(path "${file}")
      list(APPEND words --${flag} "${path}")
      list(APPEND inputs "${path}")
    endforeach()
  endforeach()
  foreach(directory IN LISTS arg_INITRD_DIR)
    _tintype_input(path "${directory}")
    list(APPEND words --initrd-dir "${path}")
    # Directories too: their time changes when a file goes, and modes are a part of the initrd.
    file(GLOB_RECURSE content CONFIGURE_DEPENDS LIST_DIRECTORIES true "${path}/*")
    list(APPEND inputs "${path}" ${content})
  endforeach()
  foreach(option CMDLINE MEMORY CPUS)
    # CMake before 3.31 cannot tell an empty value from none (policy CMP0174), so both are none.
    if(NOT "${arg_${option}}" STREQUAL "")
      string(TOLOWER ${option} flag)
      string(REPLACE ";" "\\;" value "${arg_${option}}")
      list(APPEND words "--${flag}=${value}")
    endif()
  endforeach()

  if(NOT arg_OUTPUT)
    set(arg_OUTPUT ${name}.bin)
  endif()
  cmake_path(ABSOLUTE_PATH arg_OUTPUT BASE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  set(outputs "${arg_OUTPUT}")
  if(arg_MANIFEST)
    cmake_path(ABSOLUTE_PATH arg_MANIFEST BASE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
    list(APPEND words --manifest "${arg_MANIFEST}")
    list(APPEND outputs "${arg_MANIFEST}")
  endif()

  add_custom_command(
    OUTPUT ${outputs}
    COMMAND Tintype::compose-snapshot build --quiet --output "${arg_OUTPUT}" ${words} ${arg_OPTIONS}
    DEPENDS ${inputs} ${arg_DEPENDS} Tintype::compose-snapshot
    WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
    COMMENT "Composing ${name}"
    VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${outputs})
  set_target_properties(${name} PROPERTIES TINTYPE_SNAPSHOT "${arg_OUTPUT}")
endfunction()

# The absolute path of an input; a generator expression stays as it is.
function(_tintype_input out path)
  if(NOT path MATCHES "^\\$<")
    cmake_path(ABSOLUTE_PATH path BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  set(${out} "${path}" PARENT_SCOPE)
endfunction()
