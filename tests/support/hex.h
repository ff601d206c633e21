// Bytes as text that a person can review: one line a named field, then rows of 16.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "formats/wire.h"

// A run of `size` bytes with a name.
struct HexField {
  std::string name;
  std::size_t size;
};

inline std::string hex_row(std::size_t offset, tintype::Bytes bytes, std::string_view note) {
  std::string row = fmt::format("{:04x} ", offset);
  for (const std::uint8_t byte : bytes) row += fmt::format(" {:02x}", byte);
  return fmt::format("{:<53}  {}\n", row, note);
}

inline std::string printable(tintype::Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += byte >= 0x20 && byte < 0x7F ? static_cast<char>(byte) : '.';
  return text;
}

// `bytes` with a line for each of `fields`, in order; what is left comes in rows with its printable
// characters. Fields past the end are left out.
inline std::string hex_dump(tintype::Bytes bytes, const std::vector<HexField>& fields = {}) {
  std::string text;
  std::size_t offset = 0;
  for (const HexField& field : fields) {
    for (std::size_t done = 0; done < field.size && offset < bytes.size();) {
      const std::size_t count = std::min({std::size_t{16}, field.size - done, bytes.size() - offset});
      text += hex_row(offset, bytes.subspan(offset, count), done == 0 ? field.name : "");
      done += count;
      offset += count;
    }
  }
  while (offset < bytes.size()) {
    const tintype::Bytes row = bytes.subspan(offset, std::min<std::size_t>(16, bytes.size() - offset));
    text += hex_row(offset, row, printable(row));
    offset += row.size();
  }
  return text;
}
