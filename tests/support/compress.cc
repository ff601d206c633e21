// tiny::compress(): the packers of bzImage payloads, through the libraries that the tools are made of.
#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <stdexcept>

#include "support/tiny_kernels.h"

namespace tintype::tiny {

namespace {

void check(bool good) {
  if (!good) throw std::runtime_error("a test's compression failed");
}

void append(File& file, Bytes bytes) {
  file.insert(file.end(), bytes.begin(), bytes.end());
}
template <Wire T>
void append_value(File& file, const T& value) {
  append(file, bytes_of(value));
}

File gzip(Bytes bytes) {
  z_stream stream{};
  check(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  File packed(deflateBound(&stream, bytes.size()) + 64);
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  check(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

File bzip2(Bytes bytes) {
  File packed(bytes.size() + bytes.size() / 50 + 1024);
  unsigned size = static_cast<unsigned>(packed.size());
  check(BZ2_bzBuffToBuffCompress(reinterpret_cast<char*>(packed.data()), &size,
                                 reinterpret_cast<char*>(const_cast<std::uint8_t*>(bytes.data())),
                                 static_cast<unsigned>(bytes.size()), 9, 0, 0) == BZ_OK);
  packed.resize(size);
  return packed;
}

File finish_lzma(lzma_stream& stream, Bytes bytes) {
  File packed(bytes.size() * 2 + 4096);
  stream.next_in = bytes.data();
  stream.avail_in = bytes.size();
  stream.next_out = packed.data();
  stream.avail_out = packed.size();
  check(lzma_code(&stream, LZMA_FINISH) == LZMA_STREAM_END);
  packed.resize(stream.total_out);
  lzma_end(&stream);
  return packed;
}

File lzma(Bytes bytes) {
  lzma_options_lzma options{};
  check(!lzma_lzma_preset(&options, 6));
  options.dict_size = 64 * kKiB;
  lzma_stream stream = LZMA_STREAM_INIT;
  check(lzma_alone_encoder(&stream, &options) == LZMA_OK);
  return finish_lzma(stream, bytes);
}

// As Linux scripts/xz_wrap.sh: the x86 filter, and a CRC32.
File xz(Bytes bytes) {
  lzma_options_lzma options{};
  check(!lzma_lzma_preset(&options, 6));
  options.dict_size = 64 * kKiB;
  const lzma_filter filters[] = {
      {LZMA_FILTER_X86, nullptr}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  lzma_stream stream = LZMA_STREAM_INIT;
  check(lzma_stream_encoder(&stream, filters, LZMA_CHECK_CRC32) == LZMA_OK);
  return finish_lzma(stream, bytes);
}

File lz4(Bytes bytes) {
  constexpr std::size_t kBlock = 8 * kMiB;
  File packed;
  append_value(packed, le32(0x184C2102));
  for (std::size_t at = 0; at < bytes.size(); at += kBlock) {
    const Bytes block = bytes.subspan(at, std::min(kBlock, bytes.size() - at));
    File out(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(block.size()))));
    const int size =
        LZ4_compress_default(reinterpret_cast<const char*>(block.data()), reinterpret_cast<char*>(out.data()),
                             static_cast<int>(block.size()), static_cast<int>(out.size()));
    check(size > 0);
    append_value(packed, le32(static_cast<std::uint32_t>(size)));
    append(packed, Bytes(out).first(static_cast<std::size_t>(size)));
  }
  return packed;
}

std::uint32_t lzo_sum(Bytes bytes) {
  return static_cast<std::uint32_t>(lzo_adler32(1, bytes.data(), bytes.size()));
}

// lzop 1.04 with Adler-32 of unpacked and packed data, in blocks of 256 KiB.
File lzo(Bytes bytes) {
  using be16 = Scalar<std::uint16_t, ByteOrder::big>;
  constexpr std::size_t kBlock = 256 * kKiB;
  File packed = {0x89, 'L', 'Z', 'O', 0, '\r', '\n', 0x1A, '\n'};
  append_value(packed, be16(0x1040));
  append_value(packed, be16(0x20A0));
  append_value(packed, be16(0x0940));
  packed.insert(packed.end(), {1, 5});
  append_value(packed, be32(0x3));
  append_value(packed, be32(0100644));
  append_value(packed, be32(0));
  append_value(packed, be32(0));
  packed.push_back(0);
  append_value(packed, be32(lzo_sum(Bytes(packed).subspan(9))));
  std::vector<std::uint8_t> work(LZO1X_1_MEM_COMPRESS);
  for (std::size_t at = 0; at < bytes.size(); at += kBlock) {
    const Bytes block = bytes.subspan(at, std::min(kBlock, bytes.size() - at));
    File out(block.size() + block.size() / 16 + 64 + 3);
    lzo_uint size = out.size();
    check(lzo1x_1_compress(block.data(), block.size(), out.data(), &size, work.data()) == LZO_E_OK);
    const bool shrunk = size < block.size();
    const Bytes stored = shrunk ? Bytes(out).first(size) : block;
    append_value(packed, be32(static_cast<std::uint32_t>(block.size())));
    append_value(packed, be32(static_cast<std::uint32_t>(stored.size())));
    append_value(packed, be32(lzo_sum(block)));
    if (shrunk) append_value(packed, be32(lzo_sum(stored)));
    append(packed, stored);
  }
  append_value(packed, be32(0));
  return packed;
}

File zstd(Bytes bytes) {
  File packed(ZSTD_compressBound(bytes.size()));
  const std::size_t size = ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 9);
  check(!ZSTD_isError(size));
  packed.resize(size);
  return packed;
}

}  // namespace

File compress(FileKind kind, Bytes bytes) {
  switch (kind) {
    case FileKind::gzip:
      return gzip(bytes);
    case FileKind::bzip2:
      return bzip2(bytes);
    case FileKind::lzma:
      return lzma(bytes);
    case FileKind::xz:
      return xz(bytes);
    case FileKind::lzo:
      return lzo(bytes);
    case FileKind::lz4:
      return lz4(bytes);
    case FileKind::zstd:
      return zstd(bytes);
    default:
      throw std::runtime_error("that is no compression");
  }
}

}  // namespace tintype::tiny
