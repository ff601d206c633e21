#include "formats/wire.h"

#include "support/test_main.h"

namespace tintype {
namespace {

struct Pair {
  le32 little;
  be64 big;
};
static_assert(sizeof(Pair) == 12 && Wire<Pair>);

struct Padded {
  std::uint8_t byte;
  std::uint32_t word;
};
static_assert(!Wire<Padded>, "a structure with padding must not be wire data");

TEST_CASE("scalars store their bytes in the order their type says") {
  const Pair pair = {.little = 0x01020304u, .big = std::uint64_t{0x0102030405060708}};
  const Bytes bytes = bytes_of(pair);
  CHECK(bytes[0] == 4);
  CHECK(bytes[3] == 1);
  CHECK(bytes[4] == 1);
  CHECK(bytes[11] == 8);
  CHECK(pair.little == 0x01020304u);
  CHECK(pair.big == 0x0102030405060708u);
}

TEST_CASE("slices are checked without overflow") {
  const std::vector<std::uint8_t> bytes(16);
  CHECK(slice(bytes, 0, 16, "all").has_value());
  CHECK(slice(bytes, 16, 0, "nothing").has_value());
  CHECK_FALSE(slice(bytes, 16, 1, "one").has_value());
  CHECK_FALSE(slice(bytes, 1, ~std::uint64_t{0}, "wrapping").has_value());
  const auto failed = slice(bytes, ~std::uint64_t{0}, 8, "header");
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().message().find("header needs 8 bytes at offset 0xffffffffffffffff") == 0);
}

TEST_CASE("a failed read consumes nothing") {
  const std::vector<std::uint8_t> bytes = {1, 0, 0, 0, 2};
  ByteReader reader(bytes);
  REQUIRE(reader.read<le32>("first").value() == 1u);
  CHECK_FALSE(reader.read<le32>("second").has_value());
  CHECK(reader.remaining() == 1);
  CHECK(reader.take(1, "rest").value()[0] == 2);
}

TEST_CASE("a counter and a buffer agree on what an emitter wrote") {
  const auto emit = [](ByteSink& sink) {
    sink.put(Pair{.little = 1u, .big = std::uint64_t{2}});
    sink.zeros(10000);
    sink.write(bytes_of("text"));
  };
  Counter counter;
  Buffer buffer;
  emit(counter);
  emit(buffer);
  CHECK(counter.size() == 12 + 10000 + 4);
  CHECK(buffer.size() == counter.size());
  CHECK(buffer.bytes().back() == 't');
}

TEST_CASE("an error says its context outermost first") {
  const auto inner = [](bool bad) -> Result<int> {
    if (bad) return fail_at(0x1f1, "version {} is too old", 5);
    return 7;
  };
  const auto outer = [&](bool bad) -> Result<int> {
    return TRY(with_context(inner(bad), "setup header")) + 1;
  };
  CHECK(outer(false).value() == 8);
  CHECK(with_context(outer(true), "vmlinuz").error().message() ==
        "vmlinuz: setup header: version 5 is too old (at file offset 0x1f1)");
}

}  // namespace
}  // namespace tintype
