// Any bytes as a compressed snapshot give an error or a file. What unpacks does so alike with any number of
// threads, is never more than its room, and comes back when it is packed again.
#include "formats/container.h"
#include "fuzz/fuzz.h"

namespace {

using namespace tintype;
using Octets = std::vector<std::uint8_t>;

Result<Octets> unpack(const Container& container, std::uint64_t room, unsigned threads) {
  Octets bytes(room);
  bytes.resize(TRY(unpack_container(container, bytes, threads)));
  return bytes;
}

Octets pack(Bytes bytes) {
  Octets packed;
  ContainerWriter writer(
      [&](Bytes part) -> Result<void> {
        packed.insert(packed.end(), part.begin(), part.end());
        return {};
      },
      2);
  require(writer.write(bytes).has_value() && writer.finish().has_value());
  return packed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kMost = 8 * kMiB;
  const Bytes file(data, size);
  const auto container = read_container(file);
  if (!container) {
    require(!container.error().message().empty());
    return 0;
  }
  std::uint64_t packed = 0;
  for (const ZstdFrame& frame : container->frames) packed += frame.packed.size();
  const std::uint64_t room = container->size.value_or(kMost);
  require(packed <= size && room <= kMaxContained);
  const auto stated = snapshot_size(*container);
  require(stated ? !container->size || *stated == *container->size : !stated.error().message().empty());
  if (room > kMost) return 0;
  const auto one = unpack(*container, room, 1);
  const auto two = unpack(*container, room, 2);
  require(one.has_value() == two.has_value());
  if (!one) {
    require(one.error().message() == two.error().message());
    return 0;
  }
  require(*one == *two && one->size() <= room && (!container->size || one->size() == room));
  const Octets again = pack(*one);
  const auto read = read_container(again);
  require(read.has_value() && read->size == one->size());
  require(unpack(*read, one->size(), 2).value() == *one);
  return 0;
}
