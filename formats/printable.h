// Text for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace tintype {

// `text`, which may quote files and their names, with a question mark for each thing in it that a terminal
// obeys or that changes the order in which it is read: control characters but line feeds and tabs, U+0080 to
// U+009F, the marks and overrides of writing directions, and bytes that are not UTF-8.
std::string printable(std::string_view text);

}  // namespace tintype
