#include "formats/digest.h"

// The one-shot EVP interface pulls libcrypto's provider machinery into a static link (megabytes); the block
// functions do not, and are what the providers call in the end.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

namespace tintype {

struct Sha256Stream::State {
  SHA256_CTX context;
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {
  SHA256_Init(&state_->context);
}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::update(Bytes bytes) {
  SHA256_Update(&state_->context, bytes.data(), bytes.size());
}

Sha256 Sha256Stream::digest() const {
  SHA256_CTX copy = state_->context;
  Sha256 digest;
  SHA256_Final(digest.data(), &copy);
  return digest;
}

Sha256 Sha256Stream::finish() {
  Sha256 digest;
  SHA256_Final(digest.data(), &state_->context);
  return digest;
}

Sha256 sha256(Bytes bytes) {
  Sha256Stream stream;
  stream.update(bytes);
  return stream.finish();
}

struct Sha384Stream::State {
  SHA512_CTX context;
};

Sha384Stream::Sha384Stream() : state_(std::make_unique<State>()) {
  SHA384_Init(&state_->context);
}
Sha384Stream::~Sha384Stream() = default;
Sha384Stream::Sha384Stream(Sha384Stream&&) noexcept = default;
Sha384Stream& Sha384Stream::operator=(Sha384Stream&&) noexcept = default;

void Sha384Stream::update(Bytes bytes) {
  SHA384_Update(&state_->context, bytes.data(), bytes.size());
}

Sha384 Sha384Stream::digest() const {
  SHA512_CTX copy = state_->context;
  Sha384 digest;
  SHA384_Final(digest.data(), &copy);
  return digest;
}

Sha384 sha384(Bytes bytes) {
  Sha384 digest;
  SHA512_CTX context;
  SHA384_Init(&context);
  SHA384_Update(&context, bytes.data(), bytes.size());
  SHA384_Final(digest.data(), &context);
  return digest;
}

std::string to_hex(Bytes bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace tintype
