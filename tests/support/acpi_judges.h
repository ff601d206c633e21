// What ACPICA's compiler says of whole sets of tables.
#pragma once

#include <sstream>
#include <string>

#include "support/acpi_tables.h"
#include "support/acpica.h"
#include "support/test_main.h"

namespace tintype {

// What the disassembler says of a table, without its own version, the time, and file names.
inline std::string stable_text(const std::string& source) {
  std::istringstream lines(source);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const bool unstable = line.find("AML/ASL+ Disassembler") != std::string::npos ||
                          line.find("Copyright") != std::string::npos ||
                          line.find("Disassembly of") != std::string::npos ||
                          line.find("Intel ACPI Component") != std::string::npos;
    if (!unstable) text += line + "\n";
  }
  return text;
}

// Takes each table apart with iasl and puts it together again.
inline void check_recompiles(const AcpiTables& tables) {
  for (const auto& table : tables.bytes) {
    const std::string& name = table.first;
    const auto& bytes = table.second;
    if (name == "rsdp") continue;  // no table: iasl does not take one apart
    CAPTURE(name);
    Recompiled again = recompile(bytes);
    CAPTURE(again.log);
    CHECK(again.log.find("0 Errors, 0 Warnings, 0 Remarks") != std::string::npos);
    CHECK(again.log.find("ncorrect checksum") == std::string::npos);
    REQUIRE(again.table.size() == bytes.size());
    // The compiler signs what it makes: creator, creator revision, and so the checksum.
    std::copy(bytes.begin() + 28, bytes.begin() + 36, again.table.begin() + 28);
    again.table[9] = bytes[9];
    CHECK(again.table == bytes);
  }
}

}  // namespace tintype
