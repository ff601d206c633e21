# tintype_add_snapshot(NAME
#   RECIPE FILE | KERNEL FILE      what is composed; with a recipe, the others override what it says
#   [VARIANT NAME]                 of the recipe
#   [INITRD FILE...]               joined in this order
#   [INITRD_DIR DIR...]            each becomes an initial RAM disk, after those of INITRD
#   [CMDLINE TEXT] [MEMORY SIZE] [CPUS N]
#   [OPTIONS WORD...]              further words for `compose-snapshot build`, such as --cmdline= for an empty one
#   [DEPENDS FILE|TARGET...]       what must be made before, such as a kernel that this project builds
#   [OUTPUT FILE]                  default: NAME.bin in the current binary directory
#   [MANIFEST FILE])               default: none
#
# Adds a target NAME, a part of `all`, whose property TINTYPE_SNAPSHOT is the path of the snapshot. It is composed again when
# a file changes that was read, whoever named it: this call, the recipe, or a directory that it is in; or compose-snapshot
# itself; and only then. A change is a newer time, so `chmod` alone is none. Relative inputs are of the current source
# directory, relative outputs of the current binary directory, and those in a recipe of the recipe's; an input may be a
# generator expression such as $<TARGET_FILE:kernel>. OUTPUT and MANIFEST take the place of a recipe's, but a manifest that
# only the recipe names is no output that the build system knows.
#
# Ninja and Makefiles learn from compose-snapshot what was read. Other generators know what is named here, and under DEPENDS.
# CMake does not pass on every name: a file with '#', '$', ':' or '\' in its name has the snapshot composed at every build.

# Found or included, what is defined here is as its authors tested it. CMP0116: paths of depfiles.
cmake_policy(PUSH)
cmake_policy(VERSION 3.20...3.25)

function(tintype_add_snapshot name)
  set(single RECIPE VARIANT KERNEL CMDLINE MEMORY CPUS OUTPUT MANIFEST)
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
  set(depfiles FALSE)
  if(CMAKE_GENERATOR MATCHES "Ninja|Makefiles")
    set(depfiles TRUE)
  endif()
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
    list(APPEND inputs "${path}")
    if(NOT depfiles)
      # Directories too: their time changes when a file goes.
      file(GLOB_RECURSE content CONFIGURE_DEPENDS LIST_DIRECTORIES true "${path}/*")
      list(APPEND inputs ${content})
    endif()
  endforeach()
  foreach(option VARIANT CMDLINE MEMORY CPUS)
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
  set(depfile "")
  if(depfiles)
    list(APPEND words --depfile "${arg_OUTPUT}.d")
    # For Makefiles CMake adds what a depfile says to what earlier ones said, and a file that is gone would be missing for
    # ever. Without what it keeps it reads the depfile anew.
    if(CMAKE_GENERATOR MATCHES Makefiles)
      set(depfile COMMAND ${CMAKE_COMMAND} -E rm -f
        "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${name}.dir/compiler_depend.internal")
    endif()
    list(APPEND depfile
      COMMAND ${CMAKE_COMMAND} "-DDEPFILE=${arg_OUTPUT}.d" "-DGENERATOR=${CMAKE_GENERATOR}"
        -P "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/TintypeDepfile.cmake"
      DEPFILE "${arg_OUTPUT}.d")
  endif()

  # Makefiles make no folders.
  set(folders "")
  foreach(output IN LISTS outputs)
    cmake_path(GET output PARENT_PATH folder)
    list(APPEND folders "${folder}")
  endforeach()
  list(REMOVE_DUPLICATES folders)

  add_custom_command(
    OUTPUT ${outputs}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folders}
    COMMAND Tintype::compose-snapshot build --quiet --output "${arg_OUTPUT}" ${words} ${arg_OPTIONS}
    ${depfile}
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

cmake_policy(POP)
