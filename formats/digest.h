// SHA-256 and SHA-384 over libcrypto.
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
  // The digest of what was given so far; more may follow.
  Sha256 digest() const;
  // The digest of all that was given. Call once.
  Sha256 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

using Sha384 = std::array<std::uint8_t, 48>;

Sha384 sha384(Bytes bytes);

// As Sha256Stream, and can be asked on the way.
class Sha384Stream {
 public:
  Sha384Stream();
  ~Sha384Stream();
  Sha384Stream(Sha384Stream&&) noexcept;
  Sha384Stream& operator=(Sha384Stream&&) noexcept;
  void update(Bytes bytes);
  // The digest of what was given so far; more may follow.
  Sha384 digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Lower-case hexadecimal.
std::string to_hex(Bytes bytes);

}  // namespace tintype
