// SHA-256 over libcrypto.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "formats/wire.h"

namespace tintype {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(Bytes bytes);

// Hashes a sequence of byte runs as if they were one.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  void update(Bytes bytes);
  // The digest of all that was given. Call once.
  Sha256 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Lower-case hexadecimal.
std::string to_hex(Bytes bytes);

}  // namespace tintype
