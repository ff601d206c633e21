# Tests that are scripts: what a user would do, with the programs that were built. Exit status 77 is a skip, with its
# reason in the output.
function(tintype_script name)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 600)
endfunction()

tintype_script(bad ${CMAKE_CURRENT_SOURCE_DIR}/bad/run.sh
  $<TARGET_FILE:compose-snapshot> $<TARGET_FILE:run-snapshot> $<TARGET_FILE:bad_specimens>)
tintype_script(determinism ${CMAKE_CURRENT_SOURCE_DIR}/determinism.sh
  ${CMAKE_BINARY_DIR}/samples $<TARGET_FILE:compose-snapshot> -- ${CMAKE_SOURCE_DIR}/build/assets)
if(TINTYPE_STATIC_RUNNER AND NOT CMAKE_CROSSCOMPILING)
  tintype_script(determinism_arm64 ${CMAKE_CURRENT_SOURCE_DIR}/determinism_arm64.sh
    ${CMAKE_BINARY_DIR}/samples $<TARGET_FILE:compose-snapshot> ${CMAKE_SOURCE_DIR}/build/arm64/bin/compose-snapshot
    ${CMAKE_SOURCE_DIR}/build/arm64-sysroot ${CMAKE_SOURCE_DIR}/build/assets)
endif()
tintype_script(kill_compose ${CMAKE_CURRENT_SOURCE_DIR}/kill_compose.sh
  ${CMAKE_BINARY_DIR}/samples $<TARGET_FILE:compose-snapshot>)
tintype_script(install ${CMAKE_CURRENT_SOURCE_DIR}/install.sh ${CMAKE_BINARY_DIR})
tintype_script(completion ${CMAKE_CURRENT_SOURCE_DIR}/completion.bash
  ${CMAKE_BINARY_DIR}/samples $<TARGET_FILE:compose-snapshot> $<TARGET_FILE:run-snapshot>)
tintype_script(pipelines ${CMAKE_CURRENT_SOURCE_DIR}/pipelines.sh
  ${CMAKE_BINARY_DIR}/samples $<TARGET_FILE:compose-snapshot>)
tintype_script(native_digest ${CMAKE_CURRENT_SOURCE_DIR}/native_digest.sh
  ${CMAKE_BINARY_DIR}/samples $<TARGET_FILE:compose-snapshot> ${CMAKE_SOURCE_DIR}/build/assets)
tintype_script(style ${CMAKE_CURRENT_SOURCE_DIR}/style.sh)

# What exists where the guests of samples/ do. The sanitizers' shadow memory and a nested machine do not go together, so
# Linux boots with the release's programs.
if(TARGET hello)
  tintype_script(boot/hello ${CMAKE_CURRENT_SOURCE_DIR}/boot/hello.sh
    $<TARGET_FILE:compose-snapshot> $<TARGET_FILE:run-snapshot> ${CMAKE_BINARY_DIR}/samples)
  tintype_script(boot/pvh ${CMAKE_CURRENT_SOURCE_DIR}/boot/pvh.sh
    $<TARGET_FILE:compose-snapshot> $<TARGET_FILE:run-snapshot> ${CMAKE_BINARY_DIR}/samples)
  if(TINTYPE_STATIC_RUNNER)
    foreach(suite machine entries)
      tintype_script(boot/${suite} ${CMAKE_CURRENT_SOURCE_DIR}/boot/linux.sh
        ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}/build/assets ${suite})
      # One nested machine at a time: two of them starve each other into time-outs.
      set_tests_properties(boot/${suite} PROPERTIES LABELS nested TIMEOUT 1500 RESOURCE_LOCK nested)
    endforeach()
  endif()
endif()
# The arm64 guests run on the runner of the preset arm64, in the same kind of machine.
if(TARGET hello_arm64 AND TINTYPE_STATIC_RUNNER AND NOT CMAKE_CROSSCOMPILING)
  set(arm64_runner ${CMAKE_SOURCE_DIR}/build/arm64/bin/run-snapshot)
  tintype_script(boot/hello_arm64 ${CMAKE_CURRENT_SOURCE_DIR}/boot/hello_arm64.sh
    $<TARGET_FILE:compose-snapshot> ${arm64_runner} ${CMAKE_BINARY_DIR}/samples ${CMAKE_SOURCE_DIR}/build/assets)
  foreach(suite arm64 arm64_gicv2)
    tintype_script(boot/${suite} ${CMAKE_CURRENT_SOURCE_DIR}/boot/linux.sh
      ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}/build/assets ${suite} ${arm64_runner})
  endforeach()
  set_tests_properties(boot/hello_arm64 boot/arm64 boot/arm64_gicv2
    PROPERTIES LABELS nested TIMEOUT 1500 RESOURCE_LOCK nested)
endif()
if(TINTYPE_SANITIZE)
  # The sanitizers keep source paths for their reports.
  set_tests_properties(install PROPERTIES ENVIRONMENT TINTYPE_SANITIZED=1)
endif()
