# One interface target carries what every target of ours is compiled with.
add_library(tintype_flags INTERFACE)
target_include_directories(tintype_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_options(tintype_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Werror
  # A designated initialiser that leaves members to their defaults is how Error and Region are meant to be written.
  -Wno-missing-field-initializers
  # No path of the build machine in a binary.
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)

# An impossible state stops a release too: what these programs read is hostile.
foreach(language C CXX)
  string(REPLACE "-DNDEBUG" "" CMAKE_${language}_FLAGS_RELWITHDEBINFO "${CMAKE_${language}_FLAGS_RELWITHDEBINFO}")
endforeach()

if(TINTYPE_SANITIZE)
  target_compile_options(tintype_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(tintype_flags INTERFACE -fsanitize=address,undefined)
else()
  # Checks where indirect branches land, and on AArch64 where functions return to, on processors that can.
  set(branches -fcf-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(branches -mbranch-protection=standard)
  endif()
  target_compile_options(tintype_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection ${branches} -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
    -D_GLIBCXX_ASSERTIONS -ffunction-sections -fdata-sections)
  target_link_options(tintype_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections)
endif()

if(TINTYPE_FUZZ)
  # Coverage, by which libFuzzer finds its way; the targets themselves link with -fsanitize=fuzzer.
  target_compile_options(tintype_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(tintype_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
