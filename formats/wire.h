// Bytes in and bytes out: what may be wire data, a bounds-checked reader, and sinks that emitters write to.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "formats/result.h"
#include "formats/scalar.h"

namespace tintype {

using Bytes = std::span<const std::uint8_t>;

// A type that may be copied to or from a file: no padding, no alignment, so no indeterminate byte can get
// into an output or a digest. Structures made of std::uint8_t and the types of scalar.h satisfy it.
template <typename T>
concept Wire =
    std::is_trivially_copyable_v<T> && alignof(T) == 1 && std::has_unique_object_representations_v<T>;

// The bytes of a structure. A string literal is text, and goes to the overload below without its NUL.
template <Wire T>
requires(!std::is_array_v<T>) Bytes bytes_of(const T& value) {
  return {reinterpret_cast<const std::uint8_t*>(&value), sizeof(T)};
}

inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// The sub-span [offset, offset + size) of `bytes`, or an error that names `what`. Never overflows.
inline Result<Bytes> slice(Bytes bytes, std::uint64_t offset, std::uint64_t size, std::string_view what) {
  if (offset > bytes.size() || size > bytes.size() - offset)
    return fail_at(offset, "{} needs {} bytes at offset {:#x}, but only {} bytes exist", what, size, offset,
                   bytes.size());
  return bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

// A copy of the `T` at `offset`.
template <Wire T>
Result<T> read_at(Bytes bytes, std::uint64_t offset, std::string_view what) {
  const Bytes source = TRY(slice(bytes, offset, sizeof(T), what));
  T value;
  std::memcpy(&value, source.data(), sizeof(T));
  return value;
}

// Reads front to back. A read that fails consumes nothing.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  template <Wire T>
  Result<T> read(std::string_view what) {
    T value = TRY(read_at<T>(bytes_, offset_, what));
    offset_ += sizeof(T);
    return value;
  }
  Result<Bytes> take(std::uint64_t size, std::string_view what) {
    const Bytes taken = TRY(slice(bytes_, offset_, size, what));
    offset_ += size;
    return taken;
  }
  std::uint64_t offset() const { return offset_; }
  std::uint64_t remaining() const { return bytes_.size() - offset_; }

 private:
  Bytes bytes_;
  std::uint64_t offset_ = 0;
};

// Where an emitter writes. The same emitter runs into a Counter to learn its size and into a Rope to make its
// bytes, so the two cannot disagree.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Copies `bytes`.
  virtual void write(Bytes bytes) = 0;
  // Takes `bytes` by reference: they must outlive the sink's user (mapped files, decompressed kernels).
  virtual void borrow(Bytes bytes) { write(bytes); }
  // Bytes emitted so far.
  virtual std::uint64_t size() const = 0;

  template <Wire T>
  void put(const T& value) {
    write(bytes_of(value));
  }
  void zeros(std::uint64_t count) {
    static constexpr std::array<std::uint8_t, 4096> kZeros{};
    for (; count > kZeros.size(); count -= kZeros.size()) borrow(kZeros);
    borrow(Bytes(kZeros).first(static_cast<std::size_t>(count)));
  }
};

class Counter final : public ByteSink {
 public:
  void write(Bytes bytes) override { size_ += bytes.size(); }
  std::uint64_t size() const override { return size_; }

 private:
  std::uint64_t size_ = 0;
};

class Buffer final : public ByteSink {
 public:
  void write(Bytes bytes) override { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  std::uint64_t size() const override { return bytes_.size(); }
  std::vector<std::uint8_t>& bytes() { return bytes_; }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace tintype
