// Expected text in tests/golden, for people to review in a diff.
#pragma once

#include <string>
#include <string_view>

// Fails the running test unless `text` is what tests/golden/`name` holds, and shows the first line that
// differs. With UPDATE_GOLDEN=1 in the environment it writes the file instead.
void check_golden(std::string_view name, std::string_view text);
