// newc archives of a few entries, made in code.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tintype::tiny {

// One entry: header, name and data, each padded to 4 bytes, with the data's length in the header.
inline std::string cpio_entry(std::string_view name, std::string_view data, unsigned mode) {
  std::string entry =
      fmt::format("070701{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}", 1,
                  mode, 0, 0, 1, 0, data.size(), 0, 0, 0, 0, name.size() + 1, 0);
  entry += std::string(name) + '\0';
  entry.resize((entry.size() + 3) / 4 * 4);
  entry += data;
  entry.resize((entry.size() + 3) / 4 * 4);
  return entry;
}

// A whole archive of regular files.
inline std::string cpio(const std::vector<std::pair<std::string_view, std::string_view>>& files) {
  std::string archive;
  for (const auto& [name, data] : files) archive += cpio_entry(name, data, 0100644);
  return archive + cpio_entry("TRAILER!!!", "", 0);
}

}  // namespace tintype::tiny
