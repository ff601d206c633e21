# Target hello_arm64: samples/hello-arm64 in the build tree, the guest of hello/hello_arm64.S as an arm64 Image. A guest
# for AArch64 is no program for the machine that builds it, so it has tools of its own: the compiler where that is for
# AArch64, else Debian's cross compiler, else clang with lld.
set(hello_arm64_flags -g0 -nostdlib -static -Wl,--build-id=none -Wl,-z,noexecstack
  -Wl,-T,${CMAKE_CURRENT_SOURCE_DIR}/hello/hello_arm64.ld)
set(hello_arm64_source ${CMAKE_CURRENT_SOURCE_DIR}/hello/hello_arm64.S)
set(hello_arm64 ${CMAKE_CURRENT_BINARY_DIR}/hello-arm64)

find_program(TINTYPE_ARM64_GCC aarch64-linux-gnu-gcc)
find_program(TINTYPE_ARM64_OBJCOPY aarch64-linux-gnu-objcopy)
find_program(TINTYPE_CLANG NAMES clang clang-14)
find_program(TINTYPE_LLD NAMES ld.lld)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(arm64_gcc ${CMAKE_C_COMPILER})
  set(arm64_objcopy ${CMAKE_OBJCOPY})
elseif(TINTYPE_ARM64_GCC AND TINTYPE_ARM64_OBJCOPY)
  set(arm64_gcc ${TINTYPE_ARM64_GCC})
  set(arm64_objcopy ${TINTYPE_ARM64_OBJCOPY})
endif()

if(arm64_gcc)
  # GNU ld writes no flat file itself.
  set(hello_arm64_commands
    COMMAND ${arm64_gcc} ${hello_arm64_flags} -no-pie -o ${hello_arm64}.elf ${hello_arm64_source}
    COMMAND ${arm64_objcopy} -O binary ${hello_arm64}.elf ${hello_arm64})
elseif(TINTYPE_CLANG AND TINTYPE_LLD)
  set(hello_arm64_commands
    COMMAND ${TINTYPE_CLANG} --target=aarch64-linux-gnu -fuse-ld=lld ${hello_arm64_flags} -Wl,--oformat=binary
      -o ${hello_arm64} ${hello_arm64_source})
else()
  message(STATUS "No assembler for AArch64, so no hello-arm64: apt-get install g++-aarch64-linux-gnu")
  return()
endif()

add_custom_command(
  OUTPUT ${hello_arm64}
  ${hello_arm64_commands}
  DEPENDS ${hello_arm64_source} ${CMAKE_CURRENT_SOURCE_DIR}/hello/hello_arm64.ld
  COMMENT "Assembling hello-arm64"
  VERBATIM)
add_custom_target(hello_arm64 ALL DEPENDS ${hello_arm64})
