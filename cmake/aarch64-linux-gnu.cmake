# Toolchain file: builds for AArch64 Linux with Debian's g++-aarch64-linux-gnu, whose C and C++ libraries it uses, and
# the other libraries as cmake/arm64-sysroot.sh unpacks them.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

set(TINTYPE_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../build/arm64-sysroot CACHE PATH "What cmake/arm64-sysroot.sh made")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TINTYPE_SYSROOT)
get_filename_component(sysroot ${TINTYPE_SYSROOT} ABSOLUTE)
if(NOT EXISTS ${sysroot}/packages)
  message(FATAL_ERROR "${sysroot} is not there: run cmake/arm64-sysroot.sh")
endif()

# Headers and libraries from there alone; programs from the host.
set(CMAKE_FIND_ROOT_PATH ${sysroot})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind INCLUDE LIBRARY PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()

# Not --sysroot, under which the compiler would look for its own C library. Debian's multiarch folders are not on the
# list of a cross compiler.
set(libraries ${sysroot}/usr/lib/aarch64-linux-gnu)
foreach(language C CXX)
  set(CMAKE_${language}_STANDARD_INCLUDE_DIRECTORIES ${sysroot}/usr/include/aarch64-linux-gnu)
endforeach()
set(CMAKE_EXE_LINKER_FLAGS_INIT
  "-L${libraries} -Wl,-rpath-link,${libraries} -Wl,-rpath-link,${sysroot}/lib/aarch64-linux-gnu")
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L ${sysroot})
