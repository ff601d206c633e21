// ACPICA's tools as independent judges of our tables: its compiler, and its interpreter, which is also
// Linux's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/wire.h"

// Whether iasl and acpiexec can be run; if not, the running test is reported as skipped.
bool have_acpica();

// What came of disassembling a table and compiling the result.
struct Recompiled {
  std::string source;
  std::string log;
  std::vector<std::uint8_t> table;  // empty if it did not compile
};
Recompiled recompile(tintype::Bytes table);

// What iasl makes of a source text.
Recompiled compile(std::string_view source);

// Loads a DSDT, and SSDTs after it, into the interpreter, runs one debugger command and returns everything it
// printed.
std::string execute(tintype::Bytes dsdt, std::string_view command,
                    const std::vector<tintype::Bytes>& ssdts = {});
