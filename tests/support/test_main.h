// What every test file includes: doctest and the way to skip with a reason.
#pragma once

#include <doctest/doctest.h>

#include <string>

// Says why the running test case cannot run here; follow it with `return`. A file whose every case was
// skipped counts as skipped in ctest.
void skip_test(const std::string& reason);

// The value of a Result in a test, with the error's text when there is none.
#define REQUIRE_OK(result) REQUIRE_MESSAGE((result).has_value(), (result).error().message())
