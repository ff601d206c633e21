// Writing to descriptors whose other end may be slow, gone, or non-blocking.
#pragma once

#include <functional>
#include <string_view>

#include "formats/result.h"

namespace tintype {

// Writes all of `text`, waiting as long as it takes; `give_up` is asked whenever a signal interrupts that.
// Gives up without an error. Errors: the other end is gone, the disk is full.
Result<void> write_all(int fd, std::string_view text, const std::function<bool()>& give_up);

// "run-snapshot: <text>\n" to standard error, whatever becomes of it.
void complain(std::string_view text);

}  // namespace tintype
